// The connection pool on a live server: sharing, waiting, cancelling, closing.

import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct PoolTests {
  private func pool(
    _ size: Int, url: String? = nil, _ change: (inout PostgresPoolConfiguration) -> Void = { _ in }
  ) async throws -> PostgresPool {
    var configuration = PostgresPoolConfiguration(maximumSize: size)
    change(&configuration)
    let target: String
    if let url { target = url } else { target = try await TestServer.freshDatabase() }
    return PostgresPool(try PostgresConfiguration(target), configuration: configuration)
  }

  // MARK: Sharing

  @Test func tenThousandTasksShareFourConnections() async throws {
    // On a busy machine the last of them waits long.
    let pool = try await pool(4) { $0.waitLimit = .seconds(300) }
    let sum = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<10_000 {
        group.addTask {
          let row = try #require(try await pool.queryOne("SELECT \(number)::int8"))
          if number == 5000 { #expect(try threads() < 200, "there is a thread for each task") }
          return try row.decode(0, as: Int.self)
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(sum == 49_995_000)
    let metrics = pool.metrics
    #expect(metrics.leases == 10_000)
    #expect(metrics.opened <= 4)
    #expect(metrics.size == metrics.idle)
    #expect(metrics.waiting == 0)
    #expect(metrics.timeouts == 0)
    await pool.close()
    #expect(pool.metrics.opened == pool.metrics.closed)
    #expect(pool.metrics.size == 0)
  }

  @Test func aConnectionIsNeverInTwoHands() async throws {
    let pool = try await pool(3)
    let inUse = Shared<Set<Int32>>([])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<60 {
        group.addTask {
          try await pool.withConnection { connection in
            let process = connection.backendProcessID
            #expect(inUse.withLock { $0.insert(process).inserted })
            try await connection.execute("SELECT pg_sleep(0.005)")
            try await connection.execute("SELECT 1")
            inUse.withLock { _ = $0.remove(process) }
          }
        }
      }
      try await group.waitForAll()
    }
    await pool.close()
  }

  @Test func theMinimumIsOpenedAtTheStart() async throws {
    let pool = try await pool(5) { $0.minimumSize = 3 }
    try await until { pool.metrics.idle == 3 }
    await pool.close()
  }

  @Test func aTransactionCommitsOrRollsBack() async throws {
    let pool = try await pool(2)
    try await pool.execute("CREATE TABLE notes (id int PRIMARY KEY)")
    try await pool.transaction { connection in
      try await connection.execute("INSERT INTO notes VALUES (1)")
    }
    await #expect(throws: Unwanted.self) {
      try await pool.transaction { connection in
        try await connection.execute("INSERT INTO notes VALUES (2)")
        throw Unwanted()
      }
    }
    #expect(try await count(pool) == 1)
    await pool.close()
  }

  @Test func whatACallerChangesInItsSessionIsGoneForTheNext() async throws {
    let pool = try await pool(1)
    try await pool.withConnection { connection in
      try await connection.execute("SET statement_timeout = 12345")
      try await connection.executeScript("BEGIN; CREATE TABLE left_behind (id int)")
    }
    let row = try #require(
      try await pool.queryOne(
        "SELECT current_setting('statement_timeout'), to_regclass('left_behind') IS NULL"))
    #expect(try row.decode(0, as: String.self) == "0")
    #expect(try row.decode(1, as: Bool.self))
    #expect(pool.metrics.opened == 1, "the connection was set right, not thrown away")
    await pool.close()
  }

  @Test func aLeaseDoesWhatAConnectionDoes() async throws {
    let pool = try await pool(1)
    try await pool.withConnection { connection in
      try await connection.executeScript(
        "CREATE TABLE notes (id int PRIMARY KEY); CREATE TABLE more (id int)")
      let stored = try await connection.copyIn("COPY notes FROM STDIN") { writer in
        try await writer.write(Array("1\n2\n3\n".utf8))
      }
      #expect(stored == 3)
      var sent: [UInt8] = []
      let count = try await connection.copyOut("COPY (SELECT id FROM notes ORDER BY id) TO STDOUT") {
        sent.append(contentsOf: $0)
      }
      #expect(count == 3)
      #expect(sent == Array("1\n2\n3\n".utf8))
      let answers = try await connection.pipeline([
        "INSERT INTO notes VALUES (4)", "INSERT INTO notes VALUES (4)", "SELECT 1",
      ])
      #expect(answers.map { (try? $0.get()) != nil } == [true, false, false])
      try await connection.transaction { connection in
        try await connection.execute("INSERT INTO notes VALUES (5)")
        await #expect(throws: Unwanted.self) {
          try await connection.transaction { connection in
            try await connection.execute("INSERT INTO notes VALUES (6)")
            throw Unwanted()
          }
        }
      }
      #expect(await connection.parameter("client_encoding") == "UTF8")
      #expect(connection.serverVersion >= 150_000)
    }
    #expect(try await count(pool) == 4)
    await pool.close()
  }

  @Test func aRetryableTransactionIsRunAgainAfterASerializationFailure() async throws {
    let pool = try await pool(2)
    try await pool.execute("CREATE TABLE counters (id int PRIMARY KEY, value int)")
    try await pool.execute("INSERT INTO counters VALUES (1, 0)")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 {
        group.addTask {
          try await pool.transaction(.serializable, isRetryable: true) { connection in
            let row = try #require(try await connection.queryOne("SELECT value FROM counters WHERE id = 1"))
            let value = try row.decode(0, as: Int32.self)
            try await connection.execute("UPDATE counters SET value = \(value + 1) WHERE id = 1")
          }
        }
      }
      try await group.waitForAll()
    }
    let row = try #require(try await pool.queryOne("SELECT value FROM counters WHERE id = 1"))
    #expect(try row.decode(0, as: Int32.self) == 20)
    await pool.close()
  }

  @Test func whatIsNotMarkedRetryableIsRunOnce() async throws {
    let pool = try await pool(1)
    let runs = Shared(0)
    await #expect(throws: PostgresError.self) {
      try await pool.withConnection { connection in
        runs.withLock { $0 += 1 }
        try await connection.execute(
          "DO $$ BEGIN RAISE EXCEPTION 'try again' USING ERRCODE = 'serialization_failure'; END $$")
      }
    }
    #expect(runs.withLock { $0 } == 1)
    await pool.close()
  }

  // MARK: Waiting

  @Test func aWaitEndsAtTheLimitAndSaysWhatThePoolWasLike() async throws {
    let pool = try await pool(1) {
      $0.waitLimit = .milliseconds(100)
      $0.minimumSize = 1
    }
    try await until { pool.metrics.idle == 1 }
    let error = await #expect(throws: PostgresError.self) {
      try await pool.withConnection { connection in
        try await connection.execute("SELECT 1")
        try await pool.execute("SELECT 2")
      }
    }
    #expect(error?.code == .poolExhausted)
    let text = try #require(error).description
    #expect(text.contains("1 of at most 1 connections (1 in use, 0 being opened); waiting: 1"), "\(text)")
    #expect(pool.metrics.timeouts == 1)
    await pool.close()
  }

  @Test func aCancelledWaiterLeavesTheQueue() async throws {
    let pool = try await pool(1)
    try await pool.withConnection { connection in
      let waiter = Task { try await pool.query("SELECT 1") }
      try await until { pool.metrics.waiting == 1 }
      waiter.cancel()
      let result = await waiter.result
      #expect(throws: PostgresError.self) { try result.get() }
      #expect(pool.metrics.waiting == 0)
      try await connection.execute("SELECT 1")
    }
    try await pool.execute("SELECT 1")
    #expect(pool.metrics.opened == 1)
    await pool.close()
  }

  @Test func aTaskThatIsCancelledAlreadyGetsNothing() async throws {
    let pool = try await pool(1)
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await pool.query("SELECT 1")
    }
    task.cancel()
    let result = await task.result
    let error = #expect(throws: PostgresError.self) { try result.get() }
    #expect(error?.code == .cancelled)
    #expect(pool.metrics.leases == 0)
    await pool.close()
  }

  @Test func cancellingARunningCallCancelsItsStatementAndKeepsTheConnection() async throws {
    let pool = try await pool(1)
    let sleeper = Task { try await pool.query("SELECT pg_sleep(600)") }
    try await until { pool.metrics.inUse == 1 }
    try await Task.sleep(for: .milliseconds(50))
    sleeper.cancel()
    let result = await sleeper.result
    let error = #expect(throws: PostgresError.self) { try result.get() }
    #expect(error?.code == .cancelled)
    try await pool.execute("SELECT 1")
    #expect(pool.metrics.opened == 1)
    await pool.close()
  }

  /// Cancels at random moments: while waiting, while handed over, while running. No connection may get lost.
  @Test func cancellingAtRandomMomentsLosesNoConnection() async throws {
    let pool = try await pool(3)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<300 {
        group.addTask {
          let call = Task { try await pool.query("SELECT pg_sleep(0.001)") }
          if Bool.random() { try? await Task.sleep(for: .microseconds(.random(in: 0...20_000))) }
          if Int.random(in: 0..<3) > 0 { call.cancel() }
          _ = await call.result
        }
      }
    }
    #expect(pool.metrics.inUse == 0)
    #expect(pool.metrics.waiting == 0)
    try await pool.execute("SELECT 1")
    await pool.close()
    #expect(pool.metrics.size == 0)
  }

  // MARK: Closing

  @Test func closingWaitsForWhatIsUnderWayAndRefusesTheRest() async throws {
    let pool = try await pool(2)
    let order = Shared<[String]>([])
    try await pool.withConnection { connection in
      let closing = Task {
        await pool.close()
        order.withLock { $0.append("closed") }
      }
      try await until {
        do throws(PostgresError) {
          try await pool.execute("SELECT 1")
          return false
        } catch {
          return error.code == .poolClosed
        }
      }
      try await connection.execute("SELECT 1")
      order.withLock { $0.append("done") }
      _ = closing
    }
    await pool.close()
    try await until { order.withLock { $0.count } == 2 }
    #expect(order.withLock { $0 } == ["done", "closed"])
    #expect(pool.metrics.size == 0)
    let error = await #expect(throws: PostgresError.self) { try await pool.query("SELECT 1") }
    #expect(error?.code == .poolClosed)
  }

  @Test func closingEndsWaits() async throws {
    let pool = try await pool(1)
    let waiter = try await pool.withConnection { _ in
      let waiter = Task { try await pool.query("SELECT 1") }
      try await until { pool.metrics.waiting == 1 }
      Task { await pool.close() }
      let result = await waiter.result
      return result
    }
    let error = #expect(throws: PostgresError.self) { try waiter.get() }
    #expect(error?.code == .poolClosed)
    await pool.close()
  }

  @Test func aPoolThatIsDroppedLeavesNoSession() async throws {
    let url = try await TestServer.freshDatabase()
    let watcher = try await pool(1, url: url)
    do {
      let dropped = try await pool(3, url: url) { $0.minimumSize = 3 }
      try await until { dropped.metrics.idle == 3 }
    }
    try await until {
      let row = try #require(
        try await watcher.queryOne(
          "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"))
      return try row.decode(0, as: Int.self) == 1
    }
    await watcher.close()
  }

  /// How many threads this process has.
  private func threads() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
  }

  private func count(_ pool: PostgresPool) async throws -> Int {
    let row = try #require(try await pool.queryOne("SELECT count(*) FROM notes"))
    return try row.decode(0, as: Int.self)
  }
}

private struct Unwanted: Error {}

/// A value that several tasks change. (A `Mutex` of its own cannot be captured through two closures.)
final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>

  init(_ value: Value) { mutex = Mutex(value) }

  func withLock<Result>(_ body: (inout Value) -> Result) -> Result { mutex.withLock { body(&$0) } }
}

/// Waits until something has come about; gives up after two minutes, which is no measure of anything.
func until(
  sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(120)
  while try await !condition() {
    if ContinuousClock.now > deadline {
      Issue.record("it did not come about in two minutes", sourceLocation: sourceLocation)
      return
    }
    try await Task.sleep(for: .milliseconds(2))
  }
}
