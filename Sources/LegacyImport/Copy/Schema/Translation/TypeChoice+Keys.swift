// Types of columns that foreign keys compare: both sides need one type.

extension TypeChoice {
  /// The types of all columns of a database, by table (its name in lower case) and column.
  static func types(of source: SourceDatabase, profiles: [String: [ColumnProfile]]) -> [String: [TypeChoice]]
  {
    var choices: [String: [TypeChoice]] = [:]
    for table in source.tables {
      let known = profiles[table.name.asciiLowercased] ?? []
      choices[table.name.asciiLowercased] = table.columns.indices.map { place in
        let profile = place < known.count ? known[place] : ColumnProfile()
        return choice(of: place, in: table, profile)
      }
    }
    for group in groups(of: source) {
      unify(group, source, profiles, &choices)
    }
    return choices
  }

  private static func choice(of place: Int, in table: SourceDatabase.Table, _ profile: ColumnProfile)
    -> TypeChoice
  {
    let column = table.columns[place]
    if place == table.rowIDColumn, case .ordinary = table.storage { return TypeChoice(type: .bigint) }
    return TypeChoice(
      DeclaredType(column.declaredType), profile, isFlag: table.isFlag(place))
  }

  /// A column of a table.
  private struct Place: Hashable {
    var table: String
    var column: Int
  }

  /// The columns that foreign keys join, parents first.
  private static func groups(of source: SourceDatabase) -> [[Place]] {
    var groups: [[Place]] = []
    for table in source.tables {
      for key in table.foreignKeys {
        guard let parent = source.table(named: key.parent) else { continue }
        let parents = parent.columns(referredToBy: key)
        guard parents.count == key.columns.count else { continue }
        for (child, place) in zip(key.columns, parents) {
          let pair = [
            Place(table: parent.name.asciiLowercased, column: place),
            Place(table: table.name.asciiLowercased, column: child),
          ]
          let touched = groups.indices.filter { index in pair.contains { groups[index].contains($0) } }
          var merged = touched.flatMap { groups[$0] }
          for place in pair where !merged.contains(place) { merged.append(place) }
          for index in touched.reversed() { groups.remove(at: index) }
          groups.append(merged)
        }
      }
    }
    return groups
  }

  private static func unify(
    _ group: [Place], _ source: SourceDatabase, _ profiles: [String: [ColumnProfile]],
    _ choices: inout [String: [TypeChoice]]
  ) {
    let types = group.compactMap { choices[$0.table]?[$0.column].type.comparison }
    guard Set(types).count > 1 else { return }
    var profile = ColumnProfile()
    for place in group {
      guard let known = profiles[place.table], place.column < known.count else { continue }
      profile = profile.merged(with: known[place.column])
    }
    // The parent's declared type, where the values of all fit it; else what holds the values of all.
    let declared = group.compactMap { source.table(key: $0.table)?.columns[$0.column].declaredType }
    let isRowID = group.contains { source.table(key: $0.table)?.rowIDColumn == $0.column }
    let candidates = declared.map { TypeChoice(DeclaredType($0), profile) }
    let choice =
      isRowID && profile.texts == 0 && profile.blobs == 0 && profile.reals == 0
      ? TypeChoice(type: .bigint)
      : candidates.first { $0.remark == nil } ?? TypeChoice(DeclaredType(""), profile)
    for place in group {
      // A key that hands out numbers stays one.
      if source.table(key: place.table)?.rowIDColumn == place.column { continue }
      guard let own = choices[place.table]?[place.column], own.type.comparison != choice.type.comparison
      else { continue }
      choices[place.table]?[place.column] = TypeChoice(
        type: choice.type,
        remark: "a foreign key compares it with another column: it is \(choice.type.sql) as that one is")
    }
  }
}

extension SourceDatabase.Table {
  /// The places of the columns that a foreign key refers to in this table; empty where they are not known.
  func columns(referredToBy key: SourceDatabase.ForeignKey) -> [Int] {
    key.parentColumns.isEmpty
      ? primaryKey?.parts.map(\.column) ?? [] : key.parentColumns.compactMap { column(named: $0) }
  }

  /// Names that say that a column holds a truth value, as the applications of the guides use them.
  private static let flagNames: Set<String> = [
    "active", "enabled", "disabled", "deleted", "archived", "acknowledged", "success", "verified",
    "completed",
    "done", "pinned", "public", "hidden", "locked",
  ]

  /// Whether a column is known to hold truth values: its name says so, or its CHECK allows 0 and 1 alone.
  func isFlag(_ place: Int) -> Bool {
    let name = columns[place].name.asciiLowercased
    if name.hasPrefix("is_") || name.hasPrefix("has_") || Self.flagNames.contains(name) {
      return !(primaryKey?.parts.contains { $0.column == place } ?? false)
    }
    return checks.contains { check in
      guard
        case .inList(.column(let column), let values, isNegated: false)? = try? SQLParser.expression(
          check.expressionSQL)
      else { return false }
      return column.name.asciiLowercased == name && Set(values) == [.integer("0"), .integer("1")]
    }
  }
}
