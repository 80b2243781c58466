// agentbase copy as a user calls it, and --retry-rejects of both verbs.

import AgentBase
import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct CopyCommandTests {
  private func database(in folder: TemporaryFolder) throws -> String {
    let path = folder.path + "/my app.db"
    try SQLiteConnection(path: path).executeScript(
      """
      CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, active BOOLEAN);
      INSERT INTO users (name, active) VALUES ('a', 1), ('b', 0), ('c', 7);
      """)
    return path
  }

  @Test func aSummaryAReportAndAnExitCode() async throws {
    let folder = try TemporaryFolder("copy-command")
    let path = try database(in: folder)
    let server = try await ServerDatabase()
    try await server.psql("CREATE TABLE users (id serial PRIMARY KEY, name text, active boolean)")
    let words = ["copy", "--sqlite", path, "--postgres-url", server.url]
    let dry = try await Command.run(words + ["--dry-run"], in: folder.path)
    #expect(dry.exitCode == 3)
    #expect(dry.output.contains("dry run: nothing was written"))
    #expect(try await server.psql("SELECT count(*) FROM users").contains("0"))
    let run = try await Command.run(words + ["--report", "report.json"], in: folder.path)
    #expect(run.exitCode == 3)
    #expect(run.output.contains("users       3       2              0         1"), "\(run.output)")
    #expect(run.output.contains("sequences set: users_id_seq to 3"))
    #expect(run.output.contains("verified: 2 rows compared"))
    #expect(run.output.contains("users key 3: column active: \"7\" is not 0 or 1"))
    #expect(run.errorLines.count == 2)
    let report = try JSON(parsing: String(contentsOfFile: folder.path + "/report.json", encoding: .utf8))
    #expect(report["total_read"] == 3 && report["total_rejected"] == 1 && report["schema"] == "public")
    guard case .array(let tables)? = report["tables"], let table = tables.first else {
      Issue.record("no tables: \(report)")
      return
    }
    #expect(
      table["read"] == 3 && table["loaded"] == 2 && table["already_there"] == 0 && table["rejected"] == 1)

    try await server.psql("ALTER TABLE users ALTER active TYPE int USING active::int")
    let retry = try await Command.run(words + ["--retry-rejects", "--json"], in: folder.path)
    #expect(retry.exitCode == 0, "\(retry.errors)")
    #expect(try retry.json()["total_loaded"] == 1)
    try await server.psql("UPDATE users SET name = 'changed' WHERE id = 2")
    let differs = try await Command.run(words + ["--quiet"], in: folder.path)
    #expect(differs.exitCode == 4)
    #expect(differs.output.isEmpty && differs.errors.contains("altered in name: users id 2"))
  }

  @Test func wrongUsageAndWhatCannotBeRead() async throws {
    let folder = try TemporaryFolder("copy-command")
    let path = try database(in: folder)
    let url = "postgresql://user:s3cret@/db?host=/nowhere"
    for (words, code) in [
      ([], 2), (["--sqlite", path], 2), (["--sqlite", path, "--postgres-url", url, "--tables", ""], 2),
      (["--sqlite", path, "--postgres-url", url, "--on-conflict", "x"], 2),
      (["--sqlite", folder.path, "--postgres-url", url], 1), (["--sqlite", path, "--postgres-url", url], 1),
      (["--sqlite", path + "x", "--postgres-url", url], 1),
    ] as [([String], Int32)] {
      let run = try await Command.run(["copy"] + words, in: folder.path, secret: "s3cret")
      #expect(run.exitCode == code, "\(words): \(run.errors)")
      #expect((1...2).contains(run.errorLines.count), "\(run.errors)")
    }
    let json = try await Command.run(["copy", "--json"], in: folder.path)
    #expect(json.exitCode == 2)
    #expect(try json.json()["error"]?["exit_code"]?.int64Value == 2)
    #expect(try await Command.run(["copy", "--help"], in: folder.path).output.contains("--retry-rejects"))
  }

  @Test func whatADryImportRejectsIsInNoTable() async throws {
    let folder = try TemporaryFolder("import-command")
    let path = folder.path + "/memory.db"
    try SQLiteConnection(path: path).executeScript(
      "CREATE TABLE memory (key TEXT PRIMARY KEY, value); INSERT INTO memory VALUES (printf('%.9000c', 'k'), 1)"
    )
    let words = [
      "import", "--sqlite", path, "--agent", "a", "--postgres-url", try await TestServer.freshDatabase(.v15),
    ]
    let dry = try await Command.run(words + ["--dry-run"], in: folder.path)
    #expect(dry.exitCode == 3 && dry.output.contains("would be rejected:"))
    #expect(dry.errors.contains("Postgres would reject 1 row; all others are fine"))
    #expect(!(dry.output + dry.errors).contains("agent_import_rejects"))
    let run = try await Command.run(words, in: folder.path)
    #expect(run.exitCode == 3 && run.errors.contains("--retry-rejects"))
  }

  @Test func theImportTriesItsRejectsAgain() async throws {
    let scene = try await SourceScene()
    try scene.write(
      "a/x.db",
      """
      CREATE TABLE memory (key TEXT PRIMARY KEY, value);
      CREATE TABLE log (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
      """)
    _ = try await scene.importAll()
    try await scene.execute(
      "ALTER TABLE agent_memories ADD CONSTRAINT no_sevens CHECK (right(key, 1) <> '7')")
    try await scene.execute(
      "ALTER TABLE agent_import_rows ADD CONSTRAINT no_threes CHECK (content ->> 'v' <> '3')")
    try scene.write(
      "a/x.db",
      """
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
        INSERT INTO memory SELECT 'key' || i, i FROM n;
      INSERT INTO log SELECT key, value FROM memory WHERE value < 10;
      INSERT INTO memory VALUES (printf('%.9000c', 'k'), 'too long for an index');
      """)
    let first = try await scene.importAll { $0.batchSize = 50 }
    try await scene.expectWhole(first)
    #expect(first.rejected == 42)
    let same = try await scene.importAll { $0.retriesRejects = true }
    try await scene.expectWhole(same)
    #expect(same.rejected == 42)
    try await scene.execute("ALTER TABLE agent_memories DROP CONSTRAINT no_sevens")
    try await scene.execute("ALTER TABLE agent_import_rows DROP CONSTRAINT no_threes")
    let second = try await scene.importAll { $0.retriesRejects = true }
    try await scene.expectWhole(second)
    #expect(second.rejected == 1 && second.tables.reduce(0) { $0 + $1.loaded } == 41)
    #expect(try await scene.count("SELECT count(*) FROM agent_import_rejects") == 1)
    try await scene.expectIdenticalRollback()
  }
}
