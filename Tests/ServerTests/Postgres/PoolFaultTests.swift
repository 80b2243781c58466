// The connection pool when things break: sessions that are ended, servers that restart or refuse, and connections that
// reach their limits of time.

import Postgres
import PrivateServer
import TestSupport
import Testing

@Suite struct PoolFaultTests {
  private func pool(
    _ url: String, _ size: Int, _ change: (inout PostgresPoolConfiguration) -> Void = { _ in }
  ) throws -> PostgresPool {
    var configuration = PostgresPoolConfiguration(maximumSize: size)
    change(&configuration)
    return PostgresPool(try PostgresConfiguration(url), configuration: configuration)
  }

  // MARK: Ended sessions

  @Test(arguments: TestServer.versions)
  func aSessionThatIsEndedWhileIdleIsReplacedUnseen(_ version: TestServer.Version) async throws {
    let pool = try pool(try await TestServer.freshDatabase(version), 1)
    let process = try await pool.withConnection { $0.backendProcessID }
    try await TestServer.shared(version).server.psql("SELECT pg_terminate_backend(\(process), 10000)")
    try await pool.withConnection { connection in
      #expect(connection.backendProcessID != process)
      try await connection.execute("SELECT 1")
    }
    #expect(pool.metrics.opened == 2)
    await pool.close()
    #expect(pool.metrics.closed == 2)
  }

  @Test(arguments: TestServer.versions)
  func aSessionThatIsEndedInTheMiddleFailsItsCallAndTheNextWorks(_ version: TestServer.Version) async throws {
    let pool = try pool(try await TestServer.freshDatabase(version), 1)
    let process = Shared<Int32>(0)
    let sleeper = Task {
      try await pool.withConnection { connection in
        process.withLock { $0 = connection.backendProcessID }
        try await connection.execute("SELECT pg_sleep(600)")
      }
    }
    try await until { process.withLock { $0 } != 0 }
    let victim = process.withLock { $0 }
    try await TestServer.shared(version).server.psql("SELECT pg_terminate_backend(\(victim), 10000)")
    let result = await sleeper.result
    let error = #expect(throws: PostgresError.self) { try result.get() }
    #expect(error?.code == .connectionLost)
    try await pool.execute("SELECT 1")
    #expect(pool.metrics.opened == 2)
    await pool.close()
  }

  @Test func allIdleSessionsEndedAtOnceAreReplacedUnseen() async throws {
    let url = try await TestServer.freshDatabase()
    let pool = try pool(url, 4) { $0.minimumSize = 4 }
    try await until { pool.metrics.idle == 4 }
    let other = try self.pool(url, 1)
    try await other.execute(
      """
      SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()
      """)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try await pool.withConnection { connection in
            try await connection.execute("SELECT pg_sleep(0.005)")
            try await connection.execute("SELECT 1")
          }
        }
      }
      try await group.waitForAll()
    }
    await pool.close()
    await other.close()
  }

  // MARK: Servers that refuse

  @Test(arguments: TestServer.versions)
  func aServerThatRestartsUnderLoadLosesNothingThatWasAcknowledged(_ version: TestServer.Version) async throws
  {
    let server = try await TestServer.dedicated(version)
    let pool = try pool(try await server.freshDatabase(), 4) {
      // However long the restarts take here.
      $0.waitLimit = .seconds(600)
      $0.retryLimit = .seconds(600)
    }
    try await pool.execute("CREATE TABLE notes (id bigint PRIMARY KEY)")
    let stopped = Shared(false)
    let acknowledged = Shared<[Set<Int>]>(Array(repeating: [], count: 8))
    let workers = (0..<8).map { worker in
      Task {
        var next = worker
        while !stopped.withLock({ $0 }) {
          do throws(PostgresError) {
            try await pool.execute("INSERT INTO notes VALUES (\(next))")
            acknowledged.withLock { [next] in _ = $0[worker].insert(next) }
          } catch {
            // Nothing but the loss of the link may come through.
            #expect(error.code == .connectionLost, "\(error)")
          }
          next += 8
        }
      }
    }
    // Each worker is in the middle of its work whenever the server goes, and gets on with it afterwards.
    for round in 0...3 {
      if round > 0 { try await server.server.restart(.fast) }
      let before = acknowledged.withLock { $0.map(\.count) }
      try await until { acknowledged.withLock { zip($0, before).allSatisfy { $0.count >= $1 + 5 } } }
    }
    stopped.withLock { $0 = true }
    for worker in workers { await worker.value }
    let rows = try await pool.query("SELECT id FROM notes")
    let stored = try Set(rows.map { try $0.decode(0, as: Int.self) })
    for worker in acknowledged.withLock({ $0 }) { #expect(worker.isSubset(of: stored)) }
    let metrics = pool.metrics
    #expect(metrics.inUse == 0)
    #expect(metrics.opened - metrics.closed == metrics.size - metrics.opening)
    await pool.close()
    try await server.server.remove()
  }

  @Test func callsWaitForAServerThatIsDownForAWhile() async throws {
    let server = try await TestServer.dedicated()
    let pool = try pool(try await server.freshDatabase(), 2)
    try await server.server.stop(.fast)
    let call = Task { try await pool.query("SELECT 1") }
    try await until { pool.metrics.openFailures >= 2 }
    try await server.server.start()
    #expect(try await call.value.count == 1)
    await pool.close()
    try await server.server.remove()
  }

  @Test func aServerThatStaysDownIsNamedWhenTheWaitEnds() async throws {
    let folder = try TemporaryFolder()
    let pool = try pool("postgresql:///none?host=\(folder.path)&user=nobody", 1) {
      $0.waitLimit = .milliseconds(200)
      $0.minimumSize = 1
    }
    // Whoever waits from now on waits for a server that is known to be down.
    try await until { pool.metrics.openFailures >= 1 }
    let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
    #expect(error?.code == .poolExhausted)
    let text = try #require(error).description
    #expect(text.contains(folder.path), "\(text)")
    #expect(text.split(separator: "\n").count <= 2, "\(text)")
    await pool.close()
  }

  @Test func aWrongPasswordIsToldAtOnceAndNotShown() async throws {
    let url = try await TestServer.freshDatabase()
    try await TestServer.shared().createRole("pool_user", password: "right-secret")
    var target = try PostgresConfiguration(url)
    target["user"] = "pool_user"
    target["password"] = "wrong-secret"
    let pool = PostgresPool(target)
    let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
    #expect(error?.code == .connectionFailed)
    #expect(error?.sqlState == .invalidPassword)
    #expect(pool.metrics.longestWait == .zero)
    let text = "\(try #require(error)) \(String(reflecting: pool.configuration))"
    #expect(!text.contains("secret"), "\(text)")
    await pool.close()
  }

  @Test func aMissingDatabaseIsToldAtOnce() async throws {
    let server = try await TestServer.shared().server
    let pool = try pool(server.url(database: "no_such_database"), 3)
    let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
    #expect(error?.sqlState == .invalidCatalogName)
    await pool.close()
  }

  @Test func closingDoesNotWaitForAServerThatDoesNotAnswer() async throws {
    let folder = try TemporaryFolder()
    let pool = try pool("postgresql:///none?host=\(folder.path)&user=nobody", 2) { $0.minimumSize = 2 }
    let call = Task { try await pool.query("SELECT 1") }
    try await until { pool.metrics.openFailures >= 1 && pool.metrics.waiting == 1 }
    await pool.close()
    let result = await call.result
    let error = #expect(throws: PostgresError.self) { try result.get() }
    #expect(error?.code == .poolClosed)
  }

  // MARK: Limits of time

  @Test func idleConnectionsAboveTheMinimumAreClosed() async throws {
    let pool = try pool(try await TestServer.freshDatabase(), 4) {
      $0.minimumSize = 1
      $0.idleLimit = .milliseconds(100)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 { group.addTask { try await pool.execute("SELECT pg_sleep(0.05)") } }
      try await group.waitForAll()
    }
    try await until { pool.metrics.size == 1 }
    try await Task.sleep(for: .milliseconds(150))
    #expect(pool.metrics.idle == 1)
    await pool.close()
  }

  @Test func oldConnectionsAreReplaced() async throws {
    let pool = try pool(try await TestServer.freshDatabase(), 1) {
      $0.minimumSize = 1
      $0.ageLimit = .milliseconds(100)
    }
    try await until { pool.metrics.closed >= 2 && pool.metrics.idle == 1 }
    let before = pool.metrics.opened
    try await pool.withConnection { connection in
      // It outlives its limit in use, and is replaced when it comes back.
      try await connection.execute("SELECT pg_sleep(0.15)")
      try await connection.execute("SELECT 1")
    }
    try await until { pool.metrics.opened > before }
    await pool.close()
    #expect(pool.metrics.opened == pool.metrics.closed)
  }

  @Test func aPingGoesBeforeALeaseWhereItIsAskedFor() async throws {
    let pool = try pool(try await TestServer.freshDatabase(), 1) { $0.prePingAfter = .zero }
    for _ in 0..<20 { try await pool.execute("SELECT 1") }
    #expect(pool.metrics.opened == 1)
    #expect(pool.metrics.leases == 20)
    await pool.close()
  }
}
