// Makes the translation of a database: names first, then tables, keys, constraints, indexes and views.

import Postgres

/// The translation of a database while it is made.
struct SchemaTranslator {
  let source: SourceDatabase
  let profiles: [String: [ColumnProfile]]
  let schema: String
  let existing: Set<String>
  let types: [String: [TypeChoice]]
  /// The tables that are moved.
  let moved: [SourceDatabase.Table]

  var before: [SchemaTranslation.Step] = []
  var after: [SchemaTranslation.Step] = []
  var omissions: [Omission]
  var tables: [SchemaTranslation.TargetTable] = []
  var sequences: [SchemaTranslation.Sequence] = []

  /// The names of tables, views, indexes, sequences and the indexes of keys, which share one namespace.
  var names: TargetNames
  /// The names of indexes, by the source's.
  var indexNames: [String: String] = [:]
  /// What expressions may name, by the source's name in lower case.
  var relations: [String: TranslationScope.Relation] = [:]

  init(
    source: SourceDatabase, profiles: [String: [ColumnProfile]], schema: String, existing: Set<String>,
    chosen: Set<String>?
  ) {
    self.source = source
    self.profiles = profiles
    self.schema = schema
    self.existing = existing
    let chosen = chosen.map { Set($0.map(\.asciiLowercased)) }
    moved = source.tables.filter { chosen?.contains($0.name.asciiLowercased) ?? true }
    let moved = Set(moved.map(\.name))
    omissions = source.omissions.filter { omission in
      guard let chosen else { return true }
      return omission.table.map(moved.contains) ?? chosen.contains(omission.name.asciiLowercased)
    }
    types = TypeChoice.types(of: source, profiles: profiles)
    names = TargetNames(taken: existing)
  }

  mutating func translate() {
    before.append(
      SchemaTranslation.Step(
        object: .schema, name: schema,
        sql: "CREATE SCHEMA IF NOT EXISTS \(PostgresIdentifier.quoted(schema))",
        omission: Omission(kind: .table, effect: .leftOut, name: schema, table: nil, reason: ""),
        isEssential: true))
    for table in moved { nameTable(table) }
    let views = nameViews()
    // What the source names comes before the names that are made up for keys and sequences.
    for (place, table) in moved.enumerated() where tables[place].isMade {
      for index in table.indexes { indexNames[index.name] = names.give(index.name) }
    }
    for (place, table) in moved.enumerated() where tables[place].isMade {
      translateTable(table, at: place)
    }
    for (place, table) in moved.enumerated() where tables[place].isMade { translateKeys(table, at: place) }
    for (place, table) in moved.enumerated() where tables[place].isMade { translateIndexes(table, at: place) }
    for (place, table) in moved.enumerated() where tables[place].isMade {
      translateForeignKeys(table, at: place)
      translateChecks(table, at: place)
    }
    translateViews(views)
    for trigger in source.triggers {
      let belongs =
        moved.contains { $0.name.asciiLowercased == trigger.table.asciiLowercased }
        || views.contains { $0.name.asciiLowercased == trigger.table.asciiLowercased }
      guard belongs else { continue }
      omit(
        .trigger, .leftOut, trigger.name, trigger.table,
        "a trigger of Postgres calls a function: write its statements as one in PL/pgSQL")
    }
  }

  // MARK: Names

  private mutating func nameTable(_ table: SourceDatabase.Table) {
    let there = [TargetNames.cut(table.name), TargetNames.cut(table.name.lowercased())].first {
      existing.contains($0)
    }
    let target = there ?? names.give(table.name)
    if target != table.name {
      omit(
        .name, .changed, table.name, table.name,
        there == nil ? Self.whyRenamed(table.name, target) : "it is loaded into \(target), which is there")
    }
    // Every table of Postgres has these already (PostgreSQL manual, "System Columns").
    var columnNames = TargetNames(taken: ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"])
    var columns: [SchemaTranslation.TargetColumn] = []
    for (place, column) in table.columns.enumerated() {
      let name = columnNames.give(column.name)
      if name != column.name {
        omit(.name, .changed, column.name, table.name, Self.whyRenamed(column.name, name))
      }
      columns.append(
        SchemaTranslation.TargetColumn(
          source: column.name, target: name, type: there == nil ? type(of: table, place).type.sql : nil,
          isGenerated: column.generatedSQL != nil, isGeneratedInPostgres: false))
    }
    tables.append(
      SchemaTranslation.TargetTable(
        source: table.name, target: target, isMade: there == nil, columns: columns))
    relations[table.name.asciiLowercased] = TranslationScope.Relation(
      name: table.name, target: target,
      columns: table.columns.enumerated().map { place, column in
        TranslationScope.Column(
          name: column.name, target: columns[place].target, type: ValueType(type(of: table, place).type),
          collation: column.collation, isNullable: !isNotNull(place, of: table))
      }, rowIDColumn: table.rowIDColumn)
  }

  private static func whyRenamed(_ name: String, _ target: String) -> String {
    name.utf8.count > TargetNames.longest
      ? "its name is longer than the 63 bytes of Postgres: it is \(target)" : "it is \(target)"
  }

  func type(of table: SourceDatabase.Table, _ column: Int) -> TypeChoice {
    types[table.name.asciiLowercased]?[column] ?? TypeChoice(type: .text)
  }

  func profile(of table: SourceDatabase.Table, _ column: Int) -> ColumnProfile {
    let known = profiles[table.name.asciiLowercased] ?? []
    return column < known.count ? known[column] : ColumnProfile()
  }

  // MARK: Words

  mutating func omit(
    _ kind: Omission.Kind, _ effect: Omission.Effect, _ name: String, _ table: String?, _ reason: String
  ) {
    omissions.append(Omission(kind: kind, effect: effect, name: name, table: table, reason: reason))
  }

  /// A relation of the schema, quoted.
  func qualified(_ name: String) -> String {
    PostgresIdentifier.quoted(schema) + "." + PostgresIdentifier.quoted(name)
  }

  /// The columns of a made table, quoted and in a row.
  func list(_ columns: [Int], of place: Int) -> String {
    columns.map { PostgresIdentifier.quoted(tables[place].columns[$0].target) }.joined(separator: ", ")
  }

  func translator(for table: SourceDatabase.Table) -> ExpressionTranslator {
    guard let relation = relations[table.name.asciiLowercased] else {
      return ExpressionTranslator(scope: TranslationScope())
    }
    return ExpressionTranslator(scope: TranslationScope(relation))
  }
}
