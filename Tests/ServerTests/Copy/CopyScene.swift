// A SQLite database of a test's own making, and an empty database of Postgres to copy it into.

import DemoFleet
import Foundation
import LegacyImport
import Postgres
import SQLite
import TestSupport
import Testing

/// A SQLite file and a server.
struct CopyScene {
  let folder: TemporaryFolder
  let url: String
  /// The file's name.
  let name: String
  var path: String { folder.path + "/" + name }

  init(_ version: TestServer.Version = .v15, name: String = "app.db") async throws {
    folder = try TemporaryFolder("copy")
    self.name = name
    url = try await TestServer.freshDatabase(version)
  }

  /// Another database beside this one, with a file of its own.
  func beside(name: String) async throws -> CopyScene { try await CopyScene(name: name) }

  // MARK: - The file

  func open() throws -> SQLiteConnection { try SQLiteConnection(path: path) }

  /// Runs a script on the file.
  func write(_ sql: String) throws { try open().executeScript(sql) }

  func rows(of table: String) throws -> Int {
    let row = try open().queryOne("SELECT count(*) FROM \(SQLiteIdentifier.quoted(table))")
    return row?[0].int64.map(Int.init) ?? -1
  }

  // MARK: - Runs

  func copy(_ change: (inout CopyOptions) -> Void = { _ in }) async throws -> CopyReport {
    var options = CopyOptions(postgresURL: url)
    change(&options)
    return try await DatabaseCopy(file: path, options: options).run()
  }

  // MARK: - The server

  /// Runs a script on the server.
  func execute(_ sql: String) async throws {
    let connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    try await connection.executeScript(sql)
    await connection.close()
  }

  /// What a query answers, every value as text.
  func texts(_ sql: String) async throws -> [[String?]] {
    let connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    let rows = try await connection.query(PostgresStatement(sql: sql).asText())
    let texts = try rows.map { row in try (0..<row.count).map { try row.decode($0, as: String?.self) } }
    await connection.close()
    return texts
  }

  /// The first column of a query's rows.
  func column(_ sql: String) async throws -> [String?] { try await texts(sql).map { $0[0] } }

  func count(_ sql: String) async throws -> Int {
    try await column("SELECT (\(sql))").first?.flatMap { Int($0) } ?? -1
  }

  // MARK: - What always holds

  /// Checks that each table's rows are accounted for, in the report and in the books.
  func expectWhole(
    _ report: CopyReport, _ comment: Comment? = nil, location: SourceLocation = #_sourceLocation
  ) async throws {
    for table in report.tables {
      #expect(
        table.read == table.loaded + table.alreadyThere + table.rejected, "\(table.table) \(comment ?? "")",
        sourceLocation: location)
      #expect(
        table.read == (try rows(of: table.table)), "\(table.table) \(comment ?? "")", sourceLocation: location
      )
    }
    #expect(report.errors.isEmpty, "\(report.errors) \(comment ?? "")", sourceLocation: location)
    if !report.isDryRun {
      #expect(
        try await count("SELECT coalesce(sum(rows_read), 0) FROM agent_imports") == report.read, comment,
        sourceLocation: location)
      #expect(
        try await count("SELECT count(*) FROM agent_import_rejects") == report.rejected, comment,
        sourceLocation: location)
    }
    let differences = report.verification?.differences.map(\.description) ?? []
    #expect(differences.isEmpty, comment, sourceLocation: location)
  }
}

extension CopyReport {
  /// The account of a table.
  func table(_ name: String) throws -> TableReport { try #require(tables.first { $0.table == name }) }

  /// Table, key and reason of each reject that the report lists.
  var reasons: [String] {
    tables.flatMap { table in table.rejects.map { "\(table.table) \($0.key): \($0.reason)" } }.sorted()
  }
}
