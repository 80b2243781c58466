// A SQLite database of a test's own making, translated and made in an empty Postgres.

import AgentBase
import Foundation
import Postgres
import SQLite
import TestSupport
import Testing

@testable import LegacyImport

/// A SQLite database, and the server that it is made on.
struct SchemaScene {
  let folder: TemporaryFolder
  let file: SQLiteConnection
  let url: String
  let connection: PostgresConnection

  init(_ version: TestServer.Version, _ script: String) async throws {
    folder = try TemporaryFolder("schema")
    file = try SQLiteConnection(path: folder.path + "/source.db")
    try file.executeScript(script)
    url = try await TestServer.freshDatabase(version)
    connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    try await connection.execute("SET TimeZone = 'UTC'")
  }

  /// Another SQLite database on the same server.
  init(_ other: SchemaScene, file: SQLiteConnection) {
    folder = other.folder
    self.file = file
    url = other.url
    connection = other.connection
  }

  /// What a translation has come to.
  struct Outcome {
    var translation: SchemaTranslation
    var omissions: [Omission]
    /// Rows that the server refused, by table.
    var rejected: [String: Int] = [:]

    /// The omissions of a kind, by the name of the thing.
    func omitted(_ kind: Omission.Kind) -> [String: Omission] {
      Dictionary(
        omissions.filter { $0.kind == kind }.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
  }

  func translation(
    existing: Set<String> = [], tables: Set<String>? = nil, schema: String = "public"
  ) throws -> SchemaTranslation {
    let source = try SourceDatabase(reading: file)
    var profiles: [String: [ColumnProfile]] = [:]
    for table in source.tables {
      profiles[table.name.asciiLowercased] = try SourceDatabase.profiles(of: table, in: file)
    }
    return SchemaTranslation(
      source, profiles: profiles, schema: schema, existing: existing, tables: tables)
  }

  /// Makes everything, with the rows in between.
  ///
  /// - Parameter steps: how many of the steps after the rows are run; nil for all.
  @discardableResult
  nonisolated(nonsending) func make(
    tables: Set<String>? = nil, schema: String = "public", steps: Int? = nil
  ) async throws -> Outcome {
    let existing = try await SchemaBuild.existing(in: schema, on: connection)
    var translation = try translation(existing: existing, tables: tables, schema: schema)
    if let steps { translation.after = Array(translation.after.prefix(steps)) }
    let build = SchemaBuild(translation: translation, connection: connection)
    var outcome = Outcome(translation: translation, omissions: translation.omissions)
    outcome.omissions += try await build.before()
    for table in translation.tables where table.isMade {
      outcome.rejected[table.source] = try await load(table, schema)
    }
    outcome.omissions += try await build.after()
    return outcome
  }

  // MARK: Rows

  /// Inserts every row, one by one, as text that the server reads; answers how many it refuses.
  private nonisolated(nonsending) func load(_ table: SchemaTranslation.TargetTable, _ schema: String)
    async throws -> Int
  {
    let target = PostgresIdentifier.quoted(schema) + "." + PostgresIdentifier.quoted(table.target)
    let there = try await connection.queryOne("SELECT count(*) FROM \(unsafeSQL: target)")
    if try there?.decode(0, as: Int.self) != 0 { return 0 }
    let generated = try await generatedColumns(of: table.target, schema)
    let columns = table.columns.filter { !generated.contains($0.target) }
    let list = columns.map { "t." + SQLiteIdentifier.quoted($0.source) }.joined(separator: ", ")
    var rejected = 0
    let names = columns.map { PostgresIdentifier.quoted($0.target) }.joined(separator: ", ")
    for row in try file.query("SELECT \(list) FROM main.\(SQLiteIdentifier.quoted(table.source)) AS t") {
      let values = zip(row.values, columns).map { Self.literal($0, $1.type ?? "") }
      do {
        try await connection.execute(
          PostgresStatement(
            sql: "INSERT INTO \(target) (\(names)) VALUES (\(values.joined(separator: ", ")))"))
      } catch {
        rejected += 1
      }
    }
    return rejected
  }

  private nonisolated(nonsending) func generatedColumns(of table: String, _ schema: String) async throws
    -> Set<String>
  {
    let rows = try await connection.query(
      """
      SELECT attname::text FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE relname = \(table) AND nspname = \(schema) AND attgenerated <> ''
      """)
    return Set(try rows.map { try $0.decode(0, as: String.self) })
  }

  private static func literal(_ value: SQLiteValue, _ type: String) -> String {
    switch value {
    case .null: return "NULL"
    case .integer(let number):
      return type.hasPrefix("timestamp") ? moment(value) : "'\(number)'"
    case .real(let number):
      return type.hasPrefix("timestamp") ? moment(value) : "'\(number)'"
    case .text(let text):
      if type == "bytea" { return bytes(Array(text.utf8)) }
      return text.utf8.contains(0) ? "chr(0)" : "'" + text.replacing("'", with: "''") + "'"
    case .malformedText(let raw): return type == "bytea" ? bytes(raw) : "chr(0)"
    case .blob(let raw): return type == "bytea" ? bytes(raw) : "chr(0)"
    }
  }

  private static func moment(_ value: SQLiteValue) -> String {
    "to_timestamp(0) + interval '\(LegacyTime().microseconds(of: value) ?? 0) microseconds'"
  }

  private static func bytes(_ bytes: [UInt8]) -> String {
    "'\\x" + bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() + "'"
  }

  // MARK: The server

  /// What a query answers, each row's values as text with a bar between them.
  func lines(_ sql: String) async throws -> [String] {
    let rows = try await connection.query(PostgresStatement(sql: sql).asText())
    return try rows.map { row in
      try (0..<row.count).map { try row.decode($0, as: String?.self) ?? "NULL" }.joined(separator: "|")
    }
  }

  /// The columns of a table with their types, by the catalogue.
  func columns(_ table: String, schema: String = "public") async throws -> [String: String] {
    var columns: [String: String] = [:]
    for line in try await lines(
      """
      SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
      WHERE attrelid = '"\(schema)"."\(table)"'::regclass AND attnum > 0
      """)
    {
      let parts = line.split(separator: "|", maxSplits: 1).map(String.init)
      columns[parts[0]] = parts[1]
    }
    return columns
  }

  /// The constraints of a table as the server spells them, by name.
  func constraints(_ table: String) async throws -> [String: String] {
    var constraints: [String: String] = [:]
    for line in try await lines(
      """
      SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
      WHERE conrelid = '"\(table)"'::regclass AND contype <> 'n'
      """)
    {
      let parts = line.split(separator: "|", maxSplits: 1).map(String.init)
      constraints[parts[0]] = parts[1]
    }
    return constraints
  }

  /// The default of a column as the server spells it.
  func columnDefault(_ table: String, _ column: String) async throws -> String? {
    try await lines(
      """
      SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
      JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
      WHERE adrelid = '"\(table)"'::regclass AND attname = '\(column)'
      """
    ).first
  }

  func close() async { await connection.close() }
}
