// A folder of legacy files of a test's own making, and an empty database to move them into.

import DemoFleet
import Foundation
import LegacyImport
import Postgres
import SQLite
import TestSupport
import Testing

/// Legacy files that a test makes, and a server.
struct SourceScene {
  let folder: TemporaryFolder
  let url: String
  var root: String { folder.path + "/agents" }

  init(_ version: TestServer.Version = .v15) async throws {
    try await self.init(url: TestServer.freshDatabase(version))
  }

  init(url: String) throws {
    folder = try TemporaryFolder("source")
    self.url = url
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
  }

  // MARK: - Files

  /// The path of a legacy file; makes the folders on the way.
  func path(_ name: String) throws -> String { try folder.file("agents/" + name) }

  /// Opens a legacy file to write to it.
  func open(_ name: String) throws -> SQLiteConnection { try SQLiteConnection(path: path(name)) }

  /// Runs a script on a legacy file.
  func write(_ name: String, _ sql: String) throws { try open(name).executeScript(sql) }

  /// The bytes of every file below the agents' folder, by path.
  func bytes() throws -> [String: Data] {
    let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return Dictionary(
      uniqueKeysWithValues: names.compactMap { name in
        FileManager.default.contents(atPath: root + "/" + name).map { (name, $0) }
      })
  }

  // MARK: - Runs

  func discovery() throws -> Discovery { try Discovery(root: root) }

  func importAll(_ change: (inout ImportOptions) -> Void = { _ in }) async throws -> ImportReport {
    var options = ImportOptions(postgresURL: url)
    change(&options)
    return try await Importer(discovery(), options: options).run()
  }

  func verify() async throws -> VerificationReport {
    try await Verifier(discovery(), options: ImportOptions(postgresURL: url)).run()
  }

  /// Rolls back into a new folder, and answers its path.
  func rollBack() async throws -> (folder: String, report: RollbackReport) {
    let folder = self.folder.path + "/restored-\(UUID().uuidString.prefix(8))"
    return (folder, try await Rollback(postgresURL: url, destination: .folder(folder)).run())
  }

  // MARK: - The server

  /// What a query answers, every value as text.
  func texts(_ statement: PostgresStatement) async throws -> [[String?]] {
    let connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    let rows = try await connection.query(statement)
    let texts = try rows.map { row in try (0..<row.count).map { try row.decode($0, as: String?.self) } }
    await connection.close()
    return texts
  }

  /// The one number that a query answers.
  func count(_ sql: String) async throws -> Int {
    try await texts(PostgresStatement(sql: "SELECT (\(sql))::text")).first?.first??.description.wholeNumber
      ?? -1
  }

  func execute(_ sql: String) async throws {
    let connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    try await connection.execute(PostgresStatement(sql: sql))
    await connection.close()
  }

  /// Runs several statements.
  func script(_ sql: String) async throws {
    let connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    try await connection.executeScript(sql)
    await connection.close()
  }

  /// A digest of every row that the importer wrote, all columns but the times of the run.
  func digests() async throws -> [String: String] {
    var digests: [String: String] = [:]
    for table in [
      "agent_memories", "agent_tools", "agent_metrics", "agent_executions", "agent_import_rows",
    ] {
      let rows = try await texts(
        """
        SELECT count(*) || ' ' || coalesce(md5(string_agg((to_jsonb(t) #- '{metadata,migrated_at}')::text, E'\n'
          ORDER BY agent_id, id)), '') FROM \(identifier: table) AS t
        """)
      digests[table] = rows.first?.first ?? nil
    }
    return digests
  }

  // MARK: - What always holds

  /// Checks that each table's rows are accounted for, that the proof found nothing, and that the ledger adds up.
  func expectWhole(
    _ report: ImportReport, _ comment: Comment? = nil, location: SourceLocation = #_sourceLocation
  ) async throws {
    for table in report.tables {
      #expect(
        table.read == table.loaded + table.alreadyThere + table.rejected, "\(table.file) \(table.table)",
        sourceLocation: location)
      let source = try SQLiteConnection.snapshot(of: root + "/" + table.file)
      let rows = try source.queryOne("SELECT count(*) FROM main.\(SQLiteIdentifier.quoted(table.table))")
      #expect(
        table.read == rows.flatMap { $0[0].int64 }.map { Int($0) }, "\(table.file) \(table.table)",
        sourceLocation: location)
    }
    let errors = report.agents.flatMap(\.errors)
    #expect(errors.isEmpty, comment, sourceLocation: location)
    let differences = report.verification?.differences.map(\.description) ?? ["no verification"]
    #expect(differences.isEmpty, comment, sourceLocation: location)
    #expect(
      try await count("SELECT coalesce(sum(rows_read), 0) FROM agent_imports")
        == report.tables.reduce(0) { $0 + $1.read }, comment, sourceLocation: location)
  }

  /// Checks that a rollback makes every file again as it is now.
  func expectIdenticalRollback(_ comment: Comment? = nil, location: SourceLocation = #_sourceLocation)
    async throws
  {
    let (folder, report) = try await rollBack()
    #expect(report.exitCode == 0 && report.warnings.isEmpty, "\(report.warnings)", sourceLocation: location)
    for file in try discovery().files {
      let comparison = try SQLiteComparison(old: file.path, new: folder + "/" + file.relativePath)
      #expect(
        comparison.isIdentical, "\(file.relativePath): \(comparison.differences.prefix(5))",
        sourceLocation: location)
    }
  }
}

extension String {
  fileprivate var wholeNumber: Int? { Int(self) }
}

/// Whether the long rounds are asked for, which nobody wants to wait for at every change.
let runsLongTests = ProcessInfo.processInfo.environment["AGENTBASE_LONG_TESTS"] == "1"
