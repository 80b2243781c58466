// The tables of a database: made once, by whoever comes first, and never over somebody else's.

import AgentBase
import Foundation
import Postgres
import PrivateServer
import Schema
import Synchronization
import TestSupport
import Testing

@Suite("Agents: making the tables") struct SchemaInstallTests {
  private func open(_ url: String, events: EventLog? = nil) async throws -> Agent {
    var config = AgentConfig(name: "crawler", memoryBackend: .postgres(url: url))
    config.maximumConnections = 2
    if let events { config.onEvent = { events.add($0) } }
    return try await Agent(config)
  }

  private func refusal(_ url: String) async -> AgentBaseError? {
    await #expect(throws: AgentBaseError.self) { _ = try await open(url) }
  }

  final class EventLog: Sendable {
    private let events = Mutex<[AgentEvent]>([])
    func add(_ event: AgentEvent) { events.withLock { $0.append(event) } }
    var all: [AgentEvent] { events.withLock { $0 } }
  }

  @Test("Ten that start at once make each table once", arguments: TestServer.versions)
  func atOnce(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let events = EventLog()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<10 {
        group.addTask {
          // Each with a URL of its own, so that each makes connections of its own.
          let agent = try await open("\(url)&application_name=a\(number)", events: events)
          try await agent.storeMemory("key\(number)", number)
          await agent.close()
        }
      }
      try await group.waitForAll()
    }
    #expect(events.all.filter { $0.kind == .schema }.count == Schema.postgres.count)
    let agent = try await open(url)
    #expect(try await agent.listMemories().memories.count == 10)
    await agent.close()
  }

  @Test("Embeddings are vectors where the server has pgvector", arguments: TestServer.versions)
  func vector(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let agent = try await open(url)
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    let row = try await connection.queryOne(
      "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'agent_memories'::regclass AND attname = 'embedding'"
    )
    #expect(try row?.decode(0, as: String.self) == (version == .v18 ? "vector" : "real[]"))
    await connection.close()
    await agent.close()
  }

  @Test("Embeddings become vectors once pgvector is there", .needs(.v18))
  func adoptVector() async throws {
    let url = try await TestServer.freshDatabase(.v18)
    let first = try await open(url)
    try await first.storeMemory("key", 1, embedding: [1, 2.5])
    await first.close()
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    try await connection.executeScript(
      "ALTER TABLE agent_memories ALTER COLUMN embedding TYPE real[] USING embedding::real[]")
    let second = try await open(url)
    #expect(try await second.memory("key")?.embedding == [1, 2.5])
    let row = try await connection.queryOne(
      "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'agent_memories'::regclass AND attname = 'embedding'"
    )
    #expect(try row?.decode(0, as: String.self) == "vector")
    await connection.close()
    await second.close()
  }

  @Test(
    "Tables of somebody else's are named, and a schema of one's own is advised",
    arguments: TestServer.versions)
  func otherTables(_ version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    try await connection.executeScript("CREATE TABLE agents (id text); CREATE TABLE agent_memories (id text)")
    let error = await refusal(url)
    #expect(error?.code == .schema)
    #expect(error?.description.contains("agent_memories, agents") == true)
    #expect(error?.description.contains("search_path%3Dagentbase") == true)
    // Nothing was left half done.
    let versions = try await connection.queryOne("SELECT to_regclass('agentbase_schema_versions') IS NULL")
    #expect(try versions?.decode(0, as: Bool.self) == true)

    let agent = try await open("\(url)&options=-csearch_path%3Dagentbase")
    try await agent.storeMemory("key", 1)
    #expect(try await agent.retrieveMemory("key") == 1)
    let row = try await connection.queryOne("SELECT count(*) FROM agentbase.agent_memories")
    #expect(try row?.decode(0, as: Int.self) == 1)
    await connection.close()
    await agent.close()
  }

  @Test("A database that is newer, edited or gapped is refused")
  func wrongVersions() async throws {
    let url = try await TestServer.freshDatabase()
    await (try await open(url)).close()
    let connection = try await PostgresConnection.connect(try PostgresConfiguration(url))
    try await connection.execute(
      "INSERT INTO agentbase_schema_versions (version, name, applied_text, duration_ms) VALUES (99, 'future', '', 0)"
    )
    let newer = await refusal(url)
    #expect(newer?.code == .schema && newer?.description.contains("version 99") == true)
    try await connection.execute("DELETE FROM agentbase_schema_versions WHERE version = 99")
    await (try await open(url)).close()
    try await connection.execute("UPDATE agentbase_schema_versions SET applied_text = 'x' WHERE version = 2")
    #expect(await refusal(url)?.description.contains("step 2 (agents)") == true)
    try await connection.execute("DELETE FROM agentbase_schema_versions WHERE version = 1")
    #expect(await refusal(url)?.description.contains("step 1") == true)
    await connection.close()
  }

  @Test("Missing rights are an error that says which")
  func rights() async throws {
    let server = try await TestServer.shared()
    let url = try await server.freshDatabase()
    let configuration = try PostgresConfiguration(url)
    let database = try #require(configuration.database)
    let role = "reader_\(UUID().uuidString.prefix(8).lowercased())"
    let admin = try await PostgresConnection.connect(configuration)
    try await admin.executeScript("CREATE ROLE \(role) LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    let poorURL = server.server.url(database: database, user: role)
    let create = await refusal(poorURL)
    #expect(create?.code == .permission)
    #expect(create?.description.contains("GRANT CREATE") == true)

    await (try await open(url)).close()
    try await admin.executeScript("GRANT SELECT ON ALL TABLES IN SCHEMA public TO \(role)")
    let reader = try await open(poorURL)
    #expect(try await reader.retrieveMemory("key", as: Int.self) == nil)
    let write = await #expect(throws: AgentBaseError.self) { try await reader.storeMemory("key", 1) }
    #expect(write?.code == .permission)
    #expect(write?.description.contains("INSERT") == true)
    await reader.close()
    try await admin.executeScript("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM \(role)")
    await admin.close()
  }

  @Test("A server that is not there, a wrong password and a missing database are told at once")
  func unreachable() async throws {
    let server = try await TestServer.shared()
    let nowhere = await refusal("postgresql://user:s3cret@/db?host=/nonexistent")
    #expect(nowhere?.code == .unavailable)
    let missing = await refusal(server.server.url(database: "no_such_database"))
    #expect(missing?.code == .unavailable && missing?.description.contains("createdb") == true)
    let role = "pw_\(UUID().uuidString.prefix(8).lowercased())"
    try await server.createRole(role, password: "right")
    let url = server.server.url(database: "postgres", user: role) + "&password=s3cret"
    let wrong = await refusal(url)
    #expect(wrong?.code == .unavailable && wrong?.description.contains("password") == true)
    let wrongURL = await refusal("postgresql://user:s3cret@host:port/db")
    #expect(wrongURL?.code == .invalidConfiguration)
    for error in [nowhere, missing, wrong, wrongURL] {
      #expect(error?.description.contains("s3cret") == false)
      #expect((error?.description.split(separator: "\n").count ?? 9) <= 2)
    }
  }
}
