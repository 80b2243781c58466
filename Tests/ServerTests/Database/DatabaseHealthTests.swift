// How a database is: health, numbers, the pool's settings, and events.

import AgentBase
import Foundation
import Postgres
import PrivateServer
import Synchronization
import TestSupport
import Testing

@Suite("Databases: health, numbers and events") struct DatabaseHealthTests {
  /// Takes a second or so on any backend, and reads nothing.
  private static let slow: DatabaseStatement = """
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(300_000)) SELECT count(*) FROM n
    """

  @Test("A database that is well says so", arguments: DatabaseScene.backends)
  func healthy(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend) { database, _ in
      // On a busy machine even a connection takes seconds.
      let health = await database.healthCheck(limit: .seconds(60))
      #expect(health.isHealthy && health.error == nil)
      #expect(health.latency > .zero)
      let major = try #require(backend.version == nil ? 3 : backend.version?.binaries?.version)
      #expect(health.version?.hasPrefix("\(major).") == true, "\(health.version ?? "none")")
      #expect((health.pool == nil) == (backend.version == nil))
      await database.close()
      let closed = await database.healthCheck()
      #expect(!closed.isHealthy && closed.error?.code == .closed)
    }
  }

  @Test("A server that is gone, or silent, is told in time and with advice")
  func unhealthy() async throws {
    let server = try await TestServer.dedicated(TestServer.versions.last ?? .v15)
    var configuration = DatabaseConfiguration(name: "gone", .postgres(url: try await server.freshDatabase()))
    configuration.connections.maximum = 1
    let database = try await Database(configuration)
    // The only connection is busy: the check does not wait for it.
    let busy = Task { try await database.query("SELECT pg_sleep(60)") }
    while database.metrics.pool?.inUse != 1 { try await Task.sleep(for: .milliseconds(10)) }
    let late = await database.healthCheck(limit: .milliseconds(300))
    #expect(!late.isHealthy && late.error?.code == .unavailable && late.error?.advice != nil)
    #expect(late.latency < .seconds(30) && late.pool?.inUse == 1)
    busy.cancel()
    _ = try? await busy.value
    try await server.server.remove()
    let gone = await database.healthCheck(limit: .seconds(2))
    #expect(!gone.isHealthy && gone.error?.code == .unavailable && gone.error?.advice != nil)
    #expect(gone.error?.description.contains("\"gone\"") == true)
    await database.close()
  }

  @Test("Queries, errors and slow ones are counted", arguments: DatabaseScene.backends)
  func numbers(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend, slowQueryLimit: .milliseconds(20)) { database, _ in
      #expect(database.metrics.totalQueries == 0 && database.metrics.averageQueryTime == .zero)
      for _ in 0..<3 { _ = try await database.query("SELECT 1") }
      _ = try? await database.execute("SELEKT")
      _ = try await database.query(Self.slow)
      let metrics = database.metrics
      #expect(metrics.totalQueries == 5 && metrics.failedQueries == 1 && metrics.slowQueries >= 1)
      #expect(metrics.longestQueryTime >= .milliseconds(20) && metrics.averageQueryTime > .zero)
      #expect(metrics.longestQueryTime <= metrics.totalQueryTime)
      #expect(metrics.pool?.maximum == (backend.version == nil ? nil : 8))
    }
  }

  @Test("A slow statement is an event with its SQL and without its values", arguments: DatabaseScene.backends)
  func slowQuery(_ backend: TestBackend) async throws {
    let log = EventLog()
    try await DatabaseScene.with(backend, slowQueryLimit: .milliseconds(20), handler: log) { database, _ in
      _ = try await database.query("SELECT 1")
      _ = try await database.query(Self.slow)
      // Where the machine is busy, a quick statement may be slow too.
      let event = try #require(log.of(.slowQuery).first { $0.sql != "SELECT 1" })
      let sql = try #require(event.sql)
      #expect(sql.contains("WITH RECURSIVE") && !sql.contains("300000"), "\(sql)")
      #expect(event.database == "app" && event.level == .warning)
      #expect(try #require(event.duration) >= .milliseconds(20))
      #expect(!event.message.contains("300000") && event.message.contains("WITH RECURSIVE"))
      #expect(log.of(.slowQuery).filter { $0.sql != "SELECT 1" }.count == 1)
      _ = try? await database.execute("SELEKT")
      let calls = log.of(.call)
      #expect(calls.map(\.operation) == ["query", "query", "execute"])
      #expect(calls.map(\.failure) == [nil, nil, .database])
      #expect(calls.map(\.level) == [.debug, .debug, .warning])
    }
  }

  @Test("A pool of one: its wait limit, its waits as events", arguments: TestServer.versions)
  func poolOfOne(_ version: TestServer.Version) async throws {
    let log = EventLog([.poolWait, .retry, .connection])
    let backend = TestBackend.direct(version)
    var connections = ConnectionSettings(maximum: 1)
    connections.waitLimit = .seconds(2)
    try await DatabaseScene.with(backend, connections: connections, handler: log) {
      (database, _) async throws in
      // On a busy machine even a connection takes seconds.
      while (try? await database.query("SELECT 1")) == nil {}
      let timeouts = database.metrics.pool?.timeouts ?? 0
      let busy = Task { try await database.query("SELECT pg_sleep(60)") }
      while database.metrics.pool?.inUse != 1 { try await Task.sleep(for: .milliseconds(10)) }
      let error = await #expect(throws: AgentBaseError.self) { try await database.query("SELECT 1") }
      #expect(error?.code == .unavailable)
      busy.cancel()
      _ = await busy.result
      let event = try #require(log.of(.poolWait).last)
      #expect(try #require(event.duration) >= .seconds(1) && event.database == "app")
      #expect(database.metrics.pool?.timeouts == timeouts + 1)
    }
  }

  @Test("Connections are recycled by age, and asked before use", arguments: TestServer.versions)
  func recycling(_ version: TestServer.Version) async throws {
    let backend = TestBackend.direct(version)
    let process: DatabaseStatement = "SELECT pg_backend_pid()"
    var recycling = ConnectionSettings(maximum: 1)
    recycling.ageLimit = .seconds(2)
    try await DatabaseScene.with(backend, connections: recycling) { database, _ in
      let start = ContinuousClock.now
      let first = try await database.queryOne(process, as: Int.self)
      let second = try await database.queryOne(process, as: Int.self)
      // On a busy machine it may be old already.
      #expect(second == first || ContinuousClock.now - start > .seconds(1))
      try await Task.sleep(for: .milliseconds(2500))
      #expect(try await database.queryOne(process, as: Int.self) != first)
    }
    var asking = ConnectionSettings(maximum: 1)
    asking.prePingAfter = .zero
    try await DatabaseScene.with(backend, connections: asking) { database, _ in
      let first = try #require(try await database.queryOne(process, as: Int.self))
      let other = try await PostgresConnection.connect(
        PostgresConfiguration(try await TestBackend.database(version)))
      _ = try await other.query("SELECT pg_terminate_backend(\(Int32(first)))")
      await other.close()
      #expect(try await database.queryOne(process, as: Int.self) != first)
    }
  }

  @Test("Closing waits for what is under way, and lets nothing more in", arguments: DatabaseScene.backends)
  func closing(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend, handler: nil) { (database, table) async throws in
      try await database.executeScript("CREATE TABLE \(table) (id INTEGER)")
      let (started, continuation) = AsyncStream.makeStream(of: Void.self)
      let open = Task {
        try await database.transaction { transaction in
          continuation.yield()
          try await Task.sleep(for: .milliseconds(200))
          try await transaction.execute("INSERT INTO \(identifier: table) VALUES (\(1))")
          return 1
        }
      }
      for await _ in started { break }
      await database.close()
      #expect(try await open.value == 1)
      let late = await #expect(throws: AgentBaseError.self) { try await database.query("SELECT 1") }
      #expect(late?.code == .closed)
    }
  }

  @Test("After the server was restarted, calls go on")
  func restart() async throws {
    let server = try await TestServer.dedicated(TestServer.versions.last ?? .v15)
    let configuration = DatabaseConfiguration(.postgres(url: try await server.freshDatabase()))
    let database = try await Database(configuration)
    for _ in 0..<3 { _ = try await database.query("SELECT 1") }
    try await server.server.restart()
    #expect(try await database.queryOne("SELECT 2", as: Int.self) == 2)
    #expect(await database.healthCheck(limit: .seconds(60)).isHealthy)
    await database.close()
    try await server.server.remove()
  }

  @Test("Several databases by name, from the environment, one of each kind")
  func several() async throws {
    try await TemporaryFolder.with("databases") { folder in
      let url = try await TestBackend.database(TestServer.isTested(.v18) ? .v18 : .v15)
      let path = try folder.file("walmart.db")
      let databases = try await Databases(
        environment: ["DATABASE_URL": url, "WALMART_DATABASE_URL": "sqlite:///\(path)", "PATH": "/bin"])
      #expect(databases.names == ["main", "walmart"])
      #expect(try await databases.main.queryOne("SELECT 1", as: Int.self) == 1)
      try await databases["walmart"].executeScript("CREATE TABLE products (id INTEGER)")
      let health = await databases.healthCheck(limit: .seconds(60))
      #expect(health["main"]?.isHealthy == true && health["walmart"]?.isHealthy == true)
      #expect(databases.metrics["main"]?.totalQueries == 1)
      let missing = #expect(throws: AgentBaseError.self) { try databases["other"] }
      #expect(missing?.description.contains("OTHER_DATABASE_URL") == true)
      await databases.close()
      let broken = await #expect(throws: AgentBaseError.self) {
        try await Databases(
          environment: [
            "DATABASE_URL": url, "BROKEN_DATABASE_URL": "postgresql://u:secret@/none?host=/nowhere",
          ])
      }
      #expect(
        broken?.description.contains("\"broken\"") == true && broken?.description.contains("secret") == false)
    }
  }
}
