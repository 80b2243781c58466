// What a copy means to do: which tables it makes, which it finds, and which column goes where.

import AgentBase
import Postgres
import SQLite

/// The plan of a copy: the source as it is, and what is made of it in Postgres.
struct CopyPlan: Sendable {
  let schema: String
  let sources: [LegacySchema.Table]
  let translation: SchemaTranslation
  /// Makes what is missing.
  let build: SchemaBuild
  /// Names that the user gave, and that the file lacks.
  let notInFile: [String]

  /// Reads the source, looks at what is there in Postgres, and describes the values of tables that are to be made.
  ///
  /// - Parameter chosen: the tables that the user named; nil for all.
  init(
    reading reader: SourceReader, schema: String, chosen: [String]?, connection: PostgresConnection
  ) async throws {
    self.schema = schema
    let existing = try await SchemaBuild.existing(in: schema, on: connection)
    let (source, tables) = try await reader.read { connection throws(SQLiteError) in
      let source = try SourceDatabase(reading: connection)
      return (source, try LegacySchema.wholeTables(of: source, in: connection))
    }
    sources = tables
    notInFile = (chosen ?? []).filter { tables.named($0, \.table.name) == nil }
    let wanted = chosen.map { Set($0) }
    // Names first: tables that are there are not described.
    let names = SchemaTranslation(
      source, profiles: [:], schema: schema, existing: existing, tables: wanted)
    var profiles: [String: [ColumnProfile]] = [:]
    for name in names.tables.filter(\.isMade).map(\.source) {
      guard let table = source.table(named: name) else { continue }
      profiles[name.asciiLowercased] = try await reader.profiles(of: table)
    }
    translation = SchemaTranslation(
      source, profiles: profiles, schema: schema, existing: existing, tables: wanted)
    build = SchemaBuild(translation: translation, connection: connection)
  }

  /// Whether the copy makes a table itself.
  func makes(_ source: String) -> Bool {
    translation.tables.contains { $0.isMade && $0.source.asciiLowercased == source.asciiLowercased }
  }

  // MARK: - Routes

  /// The way of each table's rows, by the catalogue as it is now, and what does not come along.
  func routes(_ catalogue: Catalogue) -> (routes: [TableRoute], omissions: [Omission]) {
    var routes: [TableRoute] = []
    var omissions: [Omission] = []
    for table in translation.tables {
      guard let source = sources.named(table.source, \.table.name) else { continue }
      func leaveOut(_ reason: String) {
        omissions.append(
          Omission(kind: .table, effect: .leftOut, name: table.source, table: nil, reason: reason))
      }
      guard let target = catalogue.table(table.target) else {
        leaveOut("the schema \(schema) has no table \(table.target): its rows are not copied")
        continue
      }
      guard !Self.books.contains(target.name) else {
        leaveOut("\(target.displayName) is one of the importer's own books: its rows are not copied")
        continue
      }
      guard target.kind.takesRows else {
        leaveOut("\(target.displayName) is a \(target.kind.words): its rows are not copied")
        continue
      }
      let renamed = Dictionary(
        table.columns.map { ($0.source.asciiLowercased, $0.target) }, uniquingKeysWith: { first, _ in first })
      let route = TableRoute(source, to: target, renamed: table.isMade ? renamed : [:])
      omissions += route.omissions
      if route.columns.isEmpty {
        leaveOut("no column of \(target.displayName) is in the file: its rows are not copied")
      } else {
        routes.append(route)
      }
    }
    return (routes, omissions)
  }

  private static let books: Set = [
    "agent_import_files", "agent_import_sources", "agent_imports", "agent_import_rejects",
    "agentbase_schema_versions", "agentbase_schema_audit",
  ]

  // MARK: - Keys

  /// The places of the steps that a table's own rows are enough for: its keys, indexes and checks, if the copy has made it.
  func steps(of route: TableRoute) -> [Int] {
    guard makes(route.source.table.name) else { return [] }
    return translation.after.indices.filter { place in
      let step = translation.after[place]
      return switch step.object {
      case .index(let table): table == route.target.name
      case .constraint(let table): table == route.target.name && !step.sql.contains("FOREIGN KEY")
      case .schema, .table, .view, .columnDefault: false
      }
    }
  }

  /// A copy whose table is as the catalogue tells it now; nil where the table is gone.
  func keyed(_ copy: TableCopy, on connection: PostgresConnection) async throws -> TableCopy? {
    let now = routes(try await Catalogue(reading: connection, schema: schema)).routes
    return now.named(copy.route.source.table.name, \.source.table.name).map {
      copy.with(route: $0)
    }
  }

  /// Makes the primary keys of tables that an earlier, interrupted run has made and begun to fill: rows that have changed since
  /// are found by them.
  ///
  /// - Returns: whether there was one to make.
  func makeKeys(of tables: Set<String>) async throws -> Bool {
    var hasMade = false
    for step in translation.after {
      guard case .constraint(let table) = step.object, tables.contains(table),
        step.sql.contains("PRIMARY KEY")
      else { continue }
      _ = try await build.perform(step)
      hasMade = true
    }
    return hasMade
  }
}

extension SourceReader {
  /// Describes the values of a table's columns.
  func profiles(of table: SourceDatabase.Table) throws -> [ColumnProfile] {
    try SourceDatabase.profiles(of: table, in: try source().connection)
  }
}
