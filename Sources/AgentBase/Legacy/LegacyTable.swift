// A legacy table with the meaning of its columns: what both the SQLite backend and the importer read it by.

/// A table of a legacy file, understood.
public struct LegacyTable: Sendable, Hashable {
  /// The name, as declared.
  public let name: String
  /// What the table holds; nil where it is none of the four kinds.
  public let kind: LegacyKind?
  /// Whether the library keeps the earlier values of memories in it; then it is none of the four kinds, and its columns play the
  /// parts of a memory's.
  public let isHistory: Bool
  /// The columns in their order, generated ones left out.
  public let columns: [LegacyColumn]
  /// Whether the table has a rowid (all have, but those declared WITHOUT ROWID).
  public let hasRowID: Bool
  /// The column that plays each part, by its place among `columns`.
  public let roles: [LegacyRole: Int]
  /// The places of the primary key's columns, in the key's order; empty where none is declared.
  public let keyColumns: [Int]
  /// The place of the column that is the rowid (`INTEGER PRIMARY KEY`), if there is one.
  public let rowIDColumn: Int?

  /// Understands a table by its name and columns.
  ///
  /// - Parameters:
  ///   - hasKeyIndex: whether SQLite keeps an index for the primary key; then no column is the rowid, even one spelled
  ///     INTEGER PRIMARY KEY (of `INTEGER PRIMARY KEY DESC` SQLite's documentation says so).
  ///   - isMapped: false for a table that is none of the four kinds whatever its name, as the shadow tables of a
  ///   full-text index are.
  public init(
    name: String, columns: [LegacyColumn], hasRowID: Bool, hasKeyIndex: Bool = false, isMapped: Bool = true
  ) {
    let kind = isMapped ? LegacyKind(tableName: name) : nil
    self.name = name
    self.kind = kind
    self.columns = columns
    self.hasRowID = hasRowID
    let keyColumns = columns.indices.filter { columns[$0].keyPlace > 0 }
      .sorted { columns[$0].keyPlace < columns[$1].keyPlace }
    self.keyColumns = keyColumns
    // SQLite makes a column the rowid only where its type is spelled INTEGER, exactly.
    rowIDColumn =
      hasRowID && !hasKeyIndex && keyColumns.count == 1
        && columns[keyColumns[0]].declaredType.uppercased() == "INTEGER"
      ? keyColumns[0] : nil
    isHistory = isMapped && hasRowID && LegacyTable.isHistory(name, columns)
    roles =
      if let kind {
        LegacyTable.roles(of: columns, in: kind)
      } else {
        isHistory ? LegacyTable.rolesOfHistory(columns) : [:]
      }
  }

  private static func roles(of columns: [LegacyColumn], in kind: LegacyKind) -> [LegacyRole: Int] {
    let places = Dictionary(
      columns.enumerated().map { ($0.element.name.lowercased(), $0.offset) },
      uniquingKeysWith: { first, _ in first })
    var roles: [LegacyRole: Int] = [:]
    for role in LegacyRole.allCases {
      for name in role.names(in: kind) {
        guard let place = places[name] else { continue }
        // The value of a memory is read back from its content, which has no primary key.
        if role == .value, kind == .memories, columns[place].keyPlace > 0 { continue }
        roles[role] = place
        break
      }
    }
    return roles
  }

  /// The name of the table that the library keeps earlier values in.
  static let historyName = "agentbase_history"

  private static func isHistory(_ name: String, _ columns: [LegacyColumn]) -> Bool {
    let needed = [
      "agent_id", "namespace", "key", "version", "content", "metadata", "embedding", "stored_at",
      "replaced_at",
    ]
    return name == historyName && Set(needed).isSubset(of: columns.map(\.name))
  }

  private static func rolesOfHistory(_ columns: [LegacyColumn]) -> [LegacyRole: Int] {
    var roles = roles(of: columns, in: .memories)
    for (role, name) in [
      (LegacyRole.version, "version"), (.updatedAt, "stored_at"), (.replacedAt, "replaced_at"),
    ] {
      roles[role] = columns.firstIndex { $0.name == name }
    }
    return roles
  }

  /// What a metric without a name of its own is called: the name of the column that holds the value, where that says
  /// something, else the table's.
  public var metricName: String {
    guard let column = roles[.value].map({ columns[$0].name }),
      !["value", "metric_value"].contains(column.lowercased())
    else { return name }
    return column
  }

  /// The places of the columns that a row's JSON object holds: all but the primary key's.
  public var contentColumns: [Int] { columns.indices.filter { columns[$0].keyPlace == 0 } }

  /// The name of the member of an imported memory's content that is its value, among `names`; nil where the whole row is.
  ///
  /// The same rule finds the value in a legacy table and in its row's JSON object, so that one key answers one value on
  /// both sides of the import.
  public static func valueName(among names: some Sequence<String>) -> String? {
    let byLowercase = Dictionary(names.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    return LegacyRole.value.names(in: .memories).lazy.compactMap { byLowercase[$0] }.first
  }
}

// MARK: - The rowid

extension LegacyTable {
  /// The name by which the rowid can be read and set; nil where the table has none, or its columns hide all three.
  public var rowIDName: String? { rowIDName(hiddenBy: Set(columns.map { $0.name.lowercased() })) }

  /// The same, where columns that are not among `columns` (generated ones) hide names too.
  public func rowIDName(hiddenBy names: Set<String>) -> String? {
    hasRowID ? ["rowid", "_rowid_", "oid"].first { !names.contains($0) } : nil
  }
}
