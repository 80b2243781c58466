// Compares two SQLite files: every table, every row, value for value and type for type.

import SQLite

/// What differs between two SQLite files.
///
/// Compared are the encoding, `user_version` and `application_id`; tables, indexes, views and triggers by name and text;
/// and every row of every table, shadow tables and SQLite's own included, by rowid and by the storage class and the bytes
/// of each value. What is no data (pages, free space, the order in which things were made, the planner's statistics) is not
/// compared.
public struct SQLiteComparison: Sendable {
  /// One difference.
  public struct Difference: Sendable, Hashable, CustomStringConvertible {
    /// What kind of difference it is.
    public enum Kind: String, Sendable {
      /// The old file has it, the new one has not.
      case missing
      /// The new file has it, the old one has not.
      case added
      /// Both have it, and it is not the same.
      case changed
    }

    /// What kind of difference it is.
    public let kind: Kind
    /// The table, index, view, trigger or setting.
    public let object: String
    /// The row, by its rowid or its place in the key's order; nil where the object itself differs.
    public let row: Int64?
    /// The columns that differ.
    public let columns: [String]

    /// The difference in one line.
    public var description: String {
      let place = row.map { ", row \($0)" } ?? ""
      return "\(kind.rawValue): \(object)\(place)"
        + (columns.isEmpty ? "" : " (\(columns.joined(separator: ", ")))")
    }
  }

  /// How many tables both files have.
  public private(set) var tables = 0
  /// How many rows were compared and found the same.
  public private(set) var sameRows = 0
  /// How many differences there are.
  public private(set) var differenceCount = 0
  /// The first of them.
  public private(set) var differences: [Difference] = []
  /// Whether nothing of the old file is missing or changed in the new one, whatever it has more.
  public private(set) var keepsAll = true

  /// The most differences that are kept.
  public static let mostDifferences = 100

  /// Whether there is no difference.
  public var isIdentical: Bool { differenceCount == 0 }

  /// Compares two files, each as it is at one moment, its write-ahead log included. Neither is changed.
  public init(old: String, new: String) throws {
    let old = try SQLiteConnection.snapshot(of: old)
    let new = try SQLiteConnection.snapshot(of: new)
    for setting in ["encoding", "user_version", "application_id"] {
      let values = try [old, new].map { try $0.queryOne("PRAGMA \(setting)")?.values }
      if values[0] != values[1] { add(.changed, setting) }
    }
    let common = try compareObjects(old, new)
    for table in common { try compareRows(of: table, old, new) }
  }

  private mutating func add(
    _ kind: Difference.Kind, _ object: String, row: Int64? = nil, columns: [String] = []
  ) {
    differenceCount += 1
    if kind != .added { keepsAll = false }
    guard differences.count < Self.mostDifferences else { return }
    differences.append(Difference(kind: kind, object: object, row: row, columns: columns))
  }

  // MARK: - Tables, indexes, views, triggers

  /// Compares the objects, and answers the tables that both have.
  private mutating func compareObjects(
    _ old: SQLiteConnection, _ new: SQLiteConnection
  ) throws -> [ComparedTable] {
    let sql = """
      SELECT type || ' ' || name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_stat%' ESCAPE '!'
      ORDER BY rowid
      """
    let before = try old.query(sql)
    let after = Dictionary(
      try new.query(sql).map { ($0[0], $0) }, uniquingKeysWith: { first, _ in first })
    for object in before {
      let name = object[0].string ?? ""
      guard let other = after[object[0]] else {
        add(.missing, name)
        continue
      }
      if other.values != object.values { add(.changed, name) }
    }
    let known = Set(before.map { $0[0] })
    for object in after.keys.compactMap(\.string).sorted() where !known.contains(.text(object)) {
      add(.added, object)
    }
    let names = Set(after.keys)
    return try ComparedTable.all(of: old).filter { names.contains(.text("table \($0.name)")) }
  }

  // MARK: - Rows

  private mutating func compareRows(
    of table: ComparedTable, _ old: SQLiteConnection, _ new: SQLiteConnection
  ) throws {
    tables += 1
    if !table.key.isEmpty { return try compareByKey(table, old, new) }
    var before = try old.prepare(table.sql)
    var after = try new.prepare(table.sql)
    var hasBefore = try before.step()
    var hasAfter = try after.step()
    var place: Int64 = 0
    while hasBefore || hasAfter {
      place += 1
      // Without a rowid, the rows of one place in the order belong together.
      let left = hasBefore ? (table.hasRowID ? before.integer(0) : place) : nil
      let right = hasAfter ? (table.hasRowID ? after.integer(0) : place) : nil
      switch (left, right) {
      case (let row?, let other?) where row == other:
        let values = before.values()
        let others = after.values()
        if values == others {
          sameRows += 1
        } else {
          let names = before.columnNames
          let differing =
            values.count == others.count ? values.indices.filter { values[$0] != others[$0] } : []
          add(.changed, table.label, row: row, columns: differing.map { names[$0] })
        }
        hasBefore = try before.step()
        hasAfter = try after.step()
      case (let row?, let other) where other.map({ row < $0 }) ?? true:
        add(.missing, table.label, row: row)
        hasBefore = try before.step()
      default:
        add(.added, table.label, row: right)
        hasAfter = try after.step()
      }
    }
  }

  /// Compares rows that have a key and no rowid.
  private mutating func compareByKey(
    _ table: ComparedTable, _ old: SQLiteConnection, _ new: SQLiteConnection
  ) throws {
    let name = SQLiteIdentifier.quoted(table.name)
    let condition = table.key.map { SQLiteIdentifier.quoted($0) + " IS ?" }.joined(separator: " AND ")
    var place: Int64 = 0
    var found = 0
    for row in try old.query(table.sql) {
      place += 1
      let key = table.key.map { row[$0] ?? .null }
      guard let other = try new.queryOne("SELECT * FROM \(name) WHERE \(condition)", key) else {
        add(.missing, table.label, row: place)
        continue
      }
      found += 1
      let differing = row.columns.filter { row[$0] != other[$0] }
      if row.columns == other.columns, differing.isEmpty {
        sameRows += 1
      } else if table.isCount, let counted = row["name"]?.string,
        try Self.hasNewRow(at: other["seq"], of: counted, old, new)
      {
        // SQLite's count of ids goes on with the rows that are new.
        add(.added, table.label, row: place)
      } else {
        add(.changed, table.label, row: place, columns: differing)
      }
    }
    let count = try new.queryOne("SELECT count(*) FROM \(name)")?[0].int64 ?? 0
    for _ in 0..<max(0, Int(count) - found) { add(.added, table.label) }
  }

  /// Whether the new file alone has a row of this rowid.
  private static func hasNewRow(
    at rowID: SQLiteValue?, of table: String, _ old: SQLiteConnection, _ new: SQLiteConnection
  ) throws -> Bool {
    let sql = "SELECT 1 FROM \(SQLiteIdentifier.quoted(table)) WHERE rowid = ?"
    return try new.queryOne(sql, [rowID ?? .null]) != nil && old.queryOne(sql, [rowID ?? .null]) == nil
  }
}

/// A table, and how its rows are read in an order that is the same in both files.
private struct ComparedTable {
  let name: String
  /// Whether the first column of `sql` is the rowid.
  let hasRowID: Bool
  let sql: String
  /// The columns by which a row without a rowid is found again; none where the order of the rows tells which is which.
  let key: [String]
  /// Whether SQLite counts in it which ids it has given.
  var isCount: Bool { name == "sqlite_sequence" }

  var label: String { "table \(name)" }

  /// All tables of a file, with SQLite's own.
  static func all(of connection: SQLiteConnection) throws -> [ComparedTable] {
    let rows = try connection.query(
      """
      SELECT l.name, l.wr FROM pragma_table_list AS l JOIN sqlite_schema AS s ON s.name = l.name
      WHERE l.schema = 'main' AND l.type IN ('table', 'virtual', 'shadow') ORDER BY s.rowid
      """)
    return try rows.map {
      try ComparedTable(name: $0[0].string ?? "", isWithoutRowID: $0[1] == 1, connection)
    }
  }

  private init(name: String, isWithoutRowID: Bool, _ connection: SQLiteConnection) throws {
    self.name = name
    let table = SQLiteIdentifier.quoted(name)
    let columns = try connection.query(
      "SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", [.text(name)])
    // Generated columns hide the rowid's names too.
    let all = try connection.query("SELECT name FROM pragma_table_xinfo(?)", [.text(name)])
    let names = Set(all.compactMap { $0[0].string?.lowercased() })
    // SQLite keeps its own tables as it likes: their rows have no order.
    if name.hasPrefix("sqlite_") {
      hasRowID = false
      key = name == "sqlite_sequence" ? ["name"] : []
      let order = (1...max(1, columns.count)).map(String.init).joined(separator: ", ")
      sql = "SELECT * FROM \(table) ORDER BY \(order)"
    } else if isWithoutRowID {
      hasRowID = false
      key = columns.filter { $0[1] != 0 }.sorted { ($0[1].int64 ?? 0) < ($1[1].int64 ?? 0) }
        .compactMap { $0[0].string }
      let order = key.map(SQLiteIdentifier.quoted).joined(separator: ", ")
      sql = "SELECT * FROM \(table) ORDER BY \(order)"
    } else if let rowID = ["rowid", "_rowid_", "oid"].first(where: { !names.contains($0) }) {
      hasRowID = true
      key = []
      sql = "SELECT \(rowID), * FROM \(table) ORDER BY \(rowID)"
    } else {
      hasRowID = false
      key = []
      sql = "SELECT * FROM \(table)"
    }
  }
}
