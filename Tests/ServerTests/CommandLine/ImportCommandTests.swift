// agentbase import: what it prints, where, and with which exit code.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite struct ImportCommandTests {
  @Test(arguments: TestServer.versions)
  func movesAndProvesAndReports(version: TestServer.Version) async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase(version)
    let url = try await database.urlOfNewUser(rights: "GRANT CREATE ON SCHEMA public TO ROLE")
    let first = try await Command.run(
      ["import", "--agents-path", "agents", "--postgres-url", url], in: agents.home,
      secret: ServerDatabase.oddPassword)
    #expect(first.exitCode == 0 && first.errors.isEmpty, "\(first.errors)")
    #expect(first.output.contains("operational_crawler") && first.output.contains("research_analyst"))
    #expect(first.output.contains("verified: "))
    #expect(first.output.contains("sessions (3 rows)"))
    // Guide 1: `cat migration_report_*.json`.
    let reports = try Self.reports(in: agents.home)
    let report = try JSON(parsing: try #require(reports.first))
    #expect(reports.count == 1)
    #expect(report["total_agents"]?.int64Value == 2 && report["successful_migrations"]?.int64Value == 2)
    #expect(report["total_records_migrated"]?.int64Value == 4)
    #expect(reports.allSatisfy { !$0.contains("password") && !$0.contains("postgresql://") })
    // Again: not a row more, and the report goes where it is told to.
    let again = try await Command.run(
      ["import", "--agents-path", "agents", "--report", "second.json", "--json"], in: agents.home,
      environment: ["DATABASE_URL": url], secret: ServerDatabase.oddPassword)
    #expect(again.exitCode == 0 && again.errors.isEmpty)
    let json = try again.json()
    #expect(json["total_records_migrated"]?.int64Value == 4)
    #expect(json["verification"]?["verified"] == true)
    let written = try String(contentsOf: URL(filePath: agents.home + "/second.json"), encoding: .utf8)
    #expect(try JSON(parsing: written) == json)
    #expect(try Self.reports(in: agents.home).count == 1)
    #expect(try await database.psql("SELECT count(*) FROM agent_memories") == "3")
  }

  @Test func aDryRunWritesNothing() async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let run = try await Command.run(
      ["import", "--agents-path", "agents", "--dry-run", "--backup"], in: agents.home,
      environment: ["DATABASE_URL": database.url])
    #expect(run.exitCode == 0 && run.errors.isEmpty, "\(run.errors)")
    #expect(run.output.contains("would load") && run.output.contains("nothing was written"))
    #expect(try await database.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0")
    #expect(try FileManager.default.contentsOfDirectory(atPath: agents.home) == ["agents"])
  }

  @Test(arguments: [
    (["--backup"], [:], "backups"), (["--backup", "kept"], [:], "kept"), (["--backup=kept"], [:], "kept"),
    ([], ["MIGRATION_BACKUP_PATH": "by-variable"], "by-variable"),
    (["--backup"], ["MIGRATION_BACKUP_PATH": "by-variable"], "by-variable"),
    (["--backup", "kept"], ["MIGRATION_BACKUP_PATH": "by-variable"], "kept"),
  ])
  func backsUpFirst(words: [String], environment: [String: String], folder: String) async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let run = try await Command.run(
      ["import", "--agents-path", "agents"] + words, in: agents.home,
      environment: environment.merging(["DATABASE_URL": database.url]) { $1 })
    #expect(run.exitCode == 0 && run.errors.isEmpty, "\(run.errors)")
    let backups = try FileManager.default.contentsOfDirectory(atPath: "\(agents.home)/\(folder)")
    let backup = try #require(backups.first)
    #expect(backups.count == 1 && backup.hasPrefix("sqlite_backup_"))
    // Guide 1: `cp ./backups/sqlite_backup_*/* ./agents/`.
    for name in ["operational/crawler/memory.db", "research/analyst/data.sqlite"] {
      #expect(FileManager.default.fileExists(atPath: "\(agents.home)/\(folder)/\(backup)/\(name)"))
    }
    let restored = try await Command.run(["restore", "--from", folder, "--to", "again"], in: agents.home)
    #expect(restored.exitCode == 0)
  }

  @Test func aSingleFileOfAGivenAgent() async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let run = try await Command.run(
      [
        "import", "--sqlite", "agents/research/analyst/data.sqlite", "--agent", "somebody", "--postgres-url",
        database.url, "--no-verify",
      ], in: agents.home)
    #expect(run.exitCode == 0 && run.errors.isEmpty, "\(run.errors)")
    #expect(run.output.contains("not verified"))
    #expect(try await database.psql("SELECT agent_id, key FROM agent_memories") == "somebody|theme")
  }

  @Test func badFilesAreNamedAndTheOthersAreDone() async throws {
    let agents = try LegacyFolder()
    try agents.write("secret/agent/memory.db", bytes: Array(repeating: 0x5A, count: 4096))
    let database = try await ServerDatabase()
    let run = try await Command.run(
      ["import", "--agents-path", "agents", "--json"], in: agents.home,
      environment: ["DATABASE_URL": database.url])
    #expect(run.exitCode == 1)
    #expect((1...2).contains(run.errorLines.count) && run.errors.contains("secret/agent/memory.db"))
    #expect(try run.json()["unreadable_files"] != [])
    #expect(try await database.psql("SELECT count(*) FROM agent_memories") == "3")
  }

  @Test(arguments: [["import"], ["import", "--dry-run"], ["verify"], ["backup", "--to", "backup"]])
  func aFolderWithoutDatabasesIsNoSuccess(verb: [String]) async throws {
    let agents = try LegacyFolder()
    try FileManager.default.createDirectory(
      atPath: agents.home + "/empty", withIntermediateDirectories: false)
    let database = try await ServerDatabase()
    let target = verb[0] == "backup" ? [] : ["--postgres-url", database.url]
    let run = try await Command.run(verb + ["--agents-path", "empty"] + target, in: agents.home)
    #expect(run.exitCode == 1 && run.output.isEmpty && run.errorLines.count == 2, "\(run.errors)")
    #expect(run.errors.contains("no SQLite database below empty") && run.errors.contains("--agents-path"))
    #expect(try await database.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0")
    #expect(try FileManager.default.contentsOfDirectory(atPath: agents.home).sorted() == ["agents", "empty"])
  }

  @Test func aReportThatCannotBeWrittenStopsTheRunBeforeItBegins() async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    for report in ["agents", "nowhere/report.json"] {
      let run = try await Command.run(
        ["import", "--agents-path", "agents", "--report", report], in: agents.home,
        environment: ["DATABASE_URL": database.url])
      #expect(run.exitCode == 1 && run.output.isEmpty && run.errorLines.count == 2, "\(run.errors)")
      #expect(run.errors.contains("the report \(report) cannot be written"))
    }
    #expect(try await database.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0")
  }

  @Test func whereNothingCouldBeReadNothingIsCalledDone() async throws {
    let agents = try LegacyFolder()
    try agents.writeDamaged("broken.db", page: "memory")
    let database = try await ServerDatabase()
    let run = try await Command.run(
      ["import", "--sqlite", "agents/broken.db", "--agent", "a"], in: agents.home,
      environment: ["DATABASE_URL": database.url])
    #expect(run.exitCode == 1 && run.errorLines.count == 2, "\(run.errors)")
    #expect(run.errors.contains("damaged") && run.errors.contains("nothing was imported"))
    #expect(!run.output.contains("verified: 0"), "\(run.output)")
  }

  @Test func aRowThatPostgresCannotHoldIsRejectedAndNamed() async throws {
    let agents = try LegacyFolder()
    // Longer than an entry of an index may be, and of a kind that does not compress.
    var random = SystemRandomNumberGenerator()
    let key = (0..<4000).map { _ in String(UInt8.random(in: 16...255, using: &random), radix: 16) }.joined()
    try agents.write(
      "long.db",
      "CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT); INSERT INTO memory VALUES ('\(key)', '1'), ('k', '2')"
    )
    let database = try await ServerDatabase()
    // Once by the run that rejects it, once by the next one, which reads it in the ledger.
    for _ in 0..<2 {
      let run = try await Command.run(
        ["import", "--sqlite", "agents/long.db", "--agent", "a", "--report", "r.json"], in: agents.home,
        environment: ["DATABASE_URL": database.url])
      #expect(run.exitCode == 3 && run.errorLines.count == 2, "\(run.errors)")
      #expect(run.errors.contains("1 row") && run.output.contains(key.prefix(50)))
      #expect(run.output.split(separator: "\n").allSatisfy { $0.count < 400 })
      let report = try String(contentsOf: URL(filePath: agents.home + "/r.json"), encoding: .utf8)
      #expect(try JSON(parsing: report)["total_rejected"]?.int64Value == 1 && report.contains(key))
    }
    #expect(try await database.psql("SELECT key FROM agent_memories") == "k")
    #expect(try await database.psql("SELECT count(*) FROM agent_import_rejects") == "1")
  }

  // MARK: - Faults of the server

  @Test func aMissingServerIsOneOrTwoLines() async throws {
    try await expectFailure("postgresql://agents:pw-7391@localhost:1/db", "refused", secret: "pw-7391")
  }

  @Test func aWrongPasswordIsOneOrTwoLines() async throws {
    let database = try await ServerDatabase()
    let url = try await database.urlOfNewUser(password: "wr@ng/one")
    try await expectFailure(url, "password", secret: "wr@ng/one")
  }

  @Test func anUnknownDatabaseIsOneOrTwoLines() async throws {
    let database = try await ServerDatabase()
    try await expectFailure(database.url.replacing("/test_", with: "/untested_"), "createdb")
  }

  @Test func aMissingRightIsOneOrTwoLines() async throws {
    let database = try await ServerDatabase()
    let url = try await database.urlOfNewUser()
    try await expectFailure(url, "permission denied", secret: ServerDatabase.oddPassword)
    #expect(try await database.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0")
  }

  @Test func aMissingTableRightIsOneOrTwoLines() async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let made = try await Command.run(
      ["import", "--agents-path", "agents", "--quiet"], in: agents.home,
      environment: ["DATABASE_URL": database.url])
    #expect(made.exitCode == 0 && made.output.isEmpty && made.errors.isEmpty)
    try await database.psql("TRUNCATE agents CASCADE")
    let url = try await database.urlOfNewUser(
      rights: """
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ROLE;
        REVOKE ALL ON agent_memories FROM ROLE
        """)
    try await expectFailure(
      url, "permission denied for table agent_memories", secret: ServerDatabase.oddPassword)
  }

  private func expectFailure(
    _ url: String, _ words: String, secret: String? = nil, location: SourceLocation = #_sourceLocation
  ) async throws {
    let agents = try LegacyFolder()
    let before = try agents.contents()
    for more in [[], ["--json"]] {
      let run = try await Command.run(
        ["import", "--agents-path", "agents"] + more, in: agents.home, environment: ["DATABASE_URL": url],
        secret: secret, location: location)
      #expect(run.exitCode == 1, sourceLocation: location)
      #expect((1...2).contains(run.errorLines.count), "\(run.errors)", sourceLocation: location)
      #expect(run.errors.contains(words), "\(run.errors)", sourceLocation: location)
      if !more.isEmpty { #expect(try run.json(location)["error"] != nil, sourceLocation: location) }
    }
    // Nothing half done: no report, no backup, and the files are as they were.
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: agents.home) == ["agents"], sourceLocation: location
    )
    #expect(try agents.contents() == before, sourceLocation: location)
  }

  private static func reports(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).filter {
      $0.hasPrefix("migration_report_") && $0.hasSuffix(".json")
    }
    .map {
      try String(contentsOf: URL(filePath: "\(folder)/\($0)"), encoding: .utf8)
    }
  }
}
