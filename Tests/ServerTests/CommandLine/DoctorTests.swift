// agentbase doctor: each fault is found, with what to do about it.

import AgentBase
import Foundation
import PrivateServer
import TestSupport
import Testing

@Suite struct DoctorTests {
  @Test(arguments: TestServer.versions)
  func aGoodServerIsHealthy(version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let agents = try LegacyFolder()
    let run = try await Command.run(
      ["doctor", "--postgres-url", url, "--agents-path", agents.path, "--json"], in: agents.home)
    #expect(run.exitCode == 0 && run.errors.isEmpty)
    let json = try run.json()
    #expect(json["healthy"] == true)
    let subjects = Self.findings(json).map { $0["subject"]?.stringValue ?? "" }
    for subject in ["server", "encoding", "database", "schema", "rights", "pgvector", "files", "disk"] {
      #expect(subjects.contains(subject))
    }
  }

  @Test func aMissingServerIsNamed() async throws {
    try await expectFault(
      in: "postgresql://agents:pa%40ss%2Fw%C3%B6rd%25%3F@localhost:1/db", "refused", "PostgreSQL is running")
  }

  @Test func anUnknownHostIsNamed() async throws {
    try await expectFault(
      in: "postgresql://agents:pa%40ss%2Fw%C3%B6rd%25%3F@no-such-host.invalid/db", "no-such-host.invalid",
      "host name")
  }

  @Test func aWrongParameterIsNamed() async throws {
    try await expectFault(in: "postgresql://localhost:1/db?sslmode=sometimes", "sslmode", "this parameter")
  }

  @Test func aWrongPasswordIsNamedAndNotShown() async throws {
    let server = try await TestServer.shared()
    try await server.createRole("doctor_user", password: "another one")
    try await expectFault(
      in: server.server.url(user: "doctor_user") + "&password=pa%40ss%2Fw%C3%B6rd%25%3F", "doctor_user",
      "user and password")
    try await expectFault(in: server.server.url(user: "doctor_user"), "password", "PGPASSWORD")
  }

  @Test func anUnknownDatabaseAndUserAreNamed() async throws {
    let server = try await TestServer.shared()
    try await expectFault(in: server.server.url(database: "no_such_database"), "no_such_database", "createdb")
    try await expectFault(in: server.server.url(user: "no_such_user"), "no_such_user", "createuser")
  }

  @Test func aDatabaseOfAnotherEncodingIsAFault() async throws {
    let server = try await TestServer.shared()
    let name = "latin_\(UInt32.random(in: 0...UInt32.max))"
    try await server.server.psql(
      "CREATE DATABASE \(name) ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try await expectFault(in: server.server.url(database: name), "LATIN1", "--encoding=UTF8")
  }

  @Test func missingRightsAreNamed() async throws {
    let server = try await TestServer.shared()
    let url = try await server.freshDatabase()
    let role = "limited_\(UInt32.random(in: 0...UInt32.max))"
    try await server.server.psql("CREATE ROLE \(role) LOGIN")
    let limited = url.replacing("user=postgres", with: "user=\(role)")
    // PostgreSQL 15 and later: only the owner may create in the schema public.
    try await expectFault(in: limited, "may not create tables", "GRANT CREATE")
  }

  @Test func aMissingIndexIsNamedUntilTheNextImport() async throws {
    let database = try await ServerDatabase()
    let agents = try LegacyFolder()
    let words = ["--agents-path", "agents", "--postgres-url", database.url]
    _ = try await Command.run(["import"] + words, in: agents.home)
    try await database.psql(
      "DROP INDEX agent_metrics_by_time; ALTER TABLE agent_tools DROP CONSTRAINT agent_tools_agent_id_fkey")
    let run = try await Command.run(["doctor"] + words, in: agents.home)
    #expect(run.exitCode == 0)
    #expect(run.output.contains("missing: agent_metrics_by_time, agent_tools_agent_id_fkey"), "\(run.output)")
    _ = try await Command.run(["import"] + words, in: agents.home)
    #expect(try await !Command.run(["doctor"] + words, in: agents.home).output.contains("missing:"))
  }

  @Test func tablesOfOthersAreNamed() async throws {
    let server = try await TestServer.shared()
    let url = try await server.freshDatabase()
    let name = String(try #require(url.firstMatch(of: /\/(test_\w+)\?/)).1)
    try await server.server.psql(
      "CREATE TABLE agent_memories (id text PRIMARY KEY, agent_id text, content text)", database: name)
    try await expectFault(in: url, "agent_memories", "search_path")
  }

  @Test func aMissingSchemaIsNamed() async throws {
    let database = try await ServerDatabase()
    let url = try await database.urlOfNewUser() + "&options=-csearch_path%3Dnowhere"
    try await expectFault(in: url, "nowhere", "CREATE SCHEMA")
    // Who may make it need not: the first use does.
    let owner = try await Command.run(
      ["doctor", "--postgres-url", database.url + "&options=-csearch_path%3Dnowhere"], in: "/")
    #expect(owner.exitCode == 0 && owner.output.contains("makes it"))
  }

  @Test(arguments: [
    (
      "DELETE FROM agentbase_schema_versions; INSERT INTO agentbase_schema_versions SELECT n, 'x', 'y', 'z' FROM generate_series(1, 99) AS n",
      "99"
    ),
    ("UPDATE agentbase_schema_versions SET applied_text = 'SELECT 1' WHERE version = 2", "step 2"),
    ("DROP TABLE agent_tools", "agent_tools"), ("DROP TABLE agentbase_schema_versions", "did not make"),
  ])
  func aSchemaThatIsNotOursIsNamed(sql: String, words: String) async throws {
    let database = try await ServerDatabase()
    let made = try await Command.run(
      ["memory", "put", "k", "1", "--agent", "a", "--postgres-url", database.url], in: "/")
    try #require(made.exitCode == 0, "\(made.errors)")
    let healthy = try await Command.run(["doctor", "--postgres-url", database.url], in: "/")
    #expect(healthy.exitCode == 0 && healthy.output.contains("version"), "\(healthy.output)")
    try await database.psql(sql.replacing("'x', 'y', 'z'", with: "'x', 'y', 'z', now(), 0"))
    try await expectFault(in: database.url, words, "")
  }

  @Test func filesThatAreNoDatabasesAreNamed() async throws {
    let agents = try LegacyFolder()
    try agents.writeDamaged("broken/agent/memory.db")
    try agents.write("secret/agent/memory.db", bytes: Array(repeating: 0x5A, count: 4096))
    let run = try await Command.run(["doctor", "--agents-path", agents.path, "--json"], in: agents.home)
    #expect(run.exitCode == 1 && run.errorLines.count <= 2)
    let faults = Self.findings(try run.json()).filter { $0["state"] == "fault" }.map(\.text)
    #expect(faults.count == 2)
    #expect(faults.contains { $0.contains("broken/agent/memory.db") && $0.contains(".recover") })
    #expect(!faults.contains { $0.contains("***") || $0.contains("\\u") }, "\(faults)")
    #expect(faults.contains { $0.contains("secret/agent/memory.db") && $0.contains("encrypted") })
  }

  // MARK: - What all share

  private static func findings(_ json: JSON) -> [JSON] {
    if case .array(let findings)? = json["findings"] { findings } else { [] }
  }

  /// Expects exit code 1, and one fault with these words and this advice.
  private func expectFault(
    in url: String, _ words: String, _ advice: String, location: SourceLocation = #_sourceLocation
  ) async throws {
    let run = try await Command.run(
      ["doctor", "--json"], in: "/", environment: ["DATABASE_URL": url], secret: "pa@ss/wörd%?",
      location: location)
    #expect(run.exitCode == 1, sourceLocation: location)
    #expect((1...2).contains(run.errorLines.count), "\(run.errors)", sourceLocation: location)
    let faults = Self.findings(try run.json(location)).filter { $0["state"] == "fault" }
    let isFound = faults.contains {
      $0["message"]?.stringValue?.contains(words) == true
        && (advice.isEmpty || $0["advice"]?.stringValue?.contains(advice) == true)
    }
    #expect(isFound, "\(faults)", sourceLocation: location)
    let plain = try await Command.run(
      ["doctor", "--postgres-url", url], in: "/", secret: "pa@ss/wörd%?", location: location)
    #expect(plain.exitCode == 1 && plain.output.contains("FAULT"), sourceLocation: location)
  }
}
