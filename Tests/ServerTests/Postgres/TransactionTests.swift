// Transactions, turns and cancellation against a live server.

import Postgres
import TestSupport
import Testing

@Suite struct PostgresTransactionTests {
  private struct Stop: Error {}

  private func table(
    _ version: TestServer.Version, _ configuration: PostgresConfiguration? = nil
  ) async throws -> PostgresConnection {
    let configuration = if let configuration { configuration } else { try await Live.configuration(version) }
    let connection = try await PostgresConnection.connect(configuration)
    try await connection.executeScript("CREATE TABLE t (a int PRIMARY KEY)")
    return connection
  }

  private func rows(_ connection: PostgresConnection) async throws -> [Int] {
    try await connection.query("SELECT a FROM t ORDER BY a").map { try $0.decode(0) }
  }

  @Test(arguments: TestServer.versions) func commitsAndRollsBack(version: TestServer.Version) async throws {
    let connection = try await table(version)
    let answer = try await connection.transaction { connection in
      try await connection.execute("INSERT INTO t VALUES (1)")
      return "done"
    }
    #expect(answer == "done")
    await #expect(throws: Stop.self) {
      try await connection.transaction { connection in
        try await connection.execute("INSERT INTO t VALUES (2)")
        throw Stop()
      }
    }
    #expect(try await rows(connection) == [1])
    #expect(await connection.isIdle)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func nestedOnesAreSavepoints(version: TestServer.Version) async throws
  {
    let connection = try await table(version)
    try await connection.transaction { connection in
      try await connection.execute("INSERT INTO t VALUES (1)")
      await #expect(throws: Stop.self) {
        try await connection.transaction { connection in
          try await connection.execute("INSERT INTO t VALUES (2)")
          throw Stop()
        }
      }
      let twice = try await Live.error {
        try await connection.transaction { try await $0.execute("INSERT INTO t VALUES (1)") }
      }
      #expect(twice.sqlState == .uniqueViolation)
      let swallowed = try await Live.error {
        try await connection.transaction { _ = try? await $0.execute("INSERT INTO t VALUES (1)") }
      }
      #expect(swallowed.code == .transactionAborted)
      try await connection.transaction { connection in
        try await connection.transaction { try await $0.execute("INSERT INTO t VALUES (3)") }
      }
    }
    #expect(try await rows(connection) == [1, 3])
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func aCommitThatIsAnsweredByRollbackIsAnError(
    version: TestServer.Version
  ) async throws {
    let connection = try await table(version)
    let error = try await Live.error {
      try await connection.transaction { connection in
        try await connection.execute("INSERT INTO t VALUES (1)")
        _ = try? await connection.execute("INSERT INTO t VALUES (1)")
      }
    }
    #expect(error.code == .transactionAborted)
    #expect(try await rows(connection) == [])
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func deferredConstraintsFailTheCommit(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    try await connection.executeScript("CREATE TABLE c (a int REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
    let error = try await Live.error {
      try await connection.transaction { try await $0.execute("INSERT INTO c VALUES (5)") }
    }
    #expect(error.sqlState == .foreignKeyViolation)
    #expect(await connection.isIdle)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func otherTasksWaitForTheEndOfATransaction(
    version: TestServer.Version
  ) async throws {
    let connection = try await table(version)
    let (inside, entered) = AsyncStream.makeStream(of: Void.self)
    async let transaction: Void = connection.transaction { connection in
      try await connection.execute("INSERT INTO t VALUES (1)")
      entered.yield()
      // Long enough for the other task to come in between, if it could.
      try await connection.execute("SELECT pg_sleep(0.1)")
      _ = try await [
        connection.execute("INSERT INTO t VALUES (2)"), connection.execute("INSERT INTO t VALUES (3)"),
      ]
    }
    for await _ in inside { break }
    #expect(try await rows(connection) == [1, 2, 3])
    try await transaction
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func aHundredTasksTakeTurns(version: TestServer.Version) async throws
  {
    let connection = try await table(version)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<100 {
        group.addTask {
          if number % 3 == 0 {
            try await connection.transaction { connection in
              async let one = connection.execute("INSERT INTO t VALUES (\(number))")
              async let two = connection.query("SELECT \(number)")[0].decode(0, as: Int.self)
              #expect(try await two == number)
              _ = try await one
            }
          } else {
            try await connection.execute("INSERT INTO t VALUES (\(number))")
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await rows(connection) == Array(0..<100))
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func closingInTheBodyUndoesIt(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    let error = try await Live.error {
      try await connection.transaction { connection in
        try await connection.execute("INSERT INTO t VALUES (1)")
        await connection.close()
      }
    }
    #expect(error.code == .connectionLost)
    #expect(error.isSafeToRetry)
    #expect(!connection.isReusable)
  }

  @Test(arguments: TestServer.versions) func callsAfterTheEndAreRefused(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    // It takes the scope of the transaction along.
    let late = try await connection.transaction { connection in
      Task { () async throws in
        for await _ in gate { break }
        try await connection.execute("INSERT INTO t VALUES (1)")
      }
    }
    open.yield()
    let error = try await Live.error { try await late.value }
    #expect(error.code == .misuse)
    #expect(try await rows(connection) == [])
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func cancellationStopsTheStatementOnTheServer(
    version: TestServer.Version
  ) async throws {
    let configuration = try await Live.configuration(version)
    let connection = try await table(version, configuration)
    for _ in 0..<5 {
      let task = Task { try await connection.query("SELECT pg_sleep(60)") }
      try await Live.untilAsleep(connection, of: configuration)
      task.cancel()
      let error = try await Live.error { _ = try await task.value }
      #expect(error.code == .cancelled)
      #expect(try await connection.query("SELECT 1").count == 1)
    }
    #expect(await connection.isIdle)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func cancellationRollsBack(version: TestServer.Version) async throws {
    let configuration = try await Live.configuration(version)
    let connection = try await table(version, configuration)
    let task = Task {
      try await connection.transaction { connection in
        try await connection.execute("INSERT INTO t VALUES (1)")
        _ = try? await connection.query("SELECT pg_sleep(60)")
      }
    }
    try await Live.untilAsleep(connection, of: configuration)
    task.cancel()
    let error = try await Live.error { try await task.value }
    #expect(error.code == .cancelled)
    #expect(try await rows(connection) == [])
    #expect(await connection.isIdle)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func aWaiterCanBeCancelled(version: TestServer.Version) async throws {
    let connection = try await table(version)
    let long = Task { try await connection.query("SELECT pg_sleep(0.2)") }
    try await Task.sleep(for: .milliseconds(50))
    let waiter = Task { try await connection.execute("INSERT INTO t VALUES (1)") }
    waiter.cancel()
    let error = try await Live.error { _ = try await waiter.value }
    #expect(error.code == .cancelled)
    _ = try await long.value
    #expect(try await rows(connection) == [])
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func lateCancellationsNeverHitTheNextStatement(
    version: TestServer.Version
  ) async throws {
    let connection = try await table(version)
    for round in 0..<200 {
      let task = Task { try await connection.query("SELECT pg_sleep(0.0005)") }
      if round % 2 == 0 { try await Task.sleep(for: .microseconds(round * 10)) }
      task.cancel()
      _ = try? await task.value
      #expect(try await connection.query("SELECT \(round)")[0].decode(0, as: Int.self) == round)
    }
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func aStatementTimeoutIsTheServersError(version: TestServer.Version)
    async throws
  {
    let connection = try await table(version)
    try await connection.execute("SET statement_timeout = '30ms'")
    let error = try await Live.error { _ = try await connection.query("SELECT pg_sleep(60)") }
    #expect(error.code == .server)
    #expect(error.sqlState == .queryCanceled)
    #expect(try await connection.query("SELECT 1").count == 1)
    await connection.close()
  }

  @Test(arguments: TestServer.versions) func serializationFailuresAreSafeToRetry(version: TestServer.Version)
    async throws
  {
    let configuration = try await Live.configuration(version)
    let one = try await PostgresConnection.connect(configuration)
    let two = try await PostgresConnection.connect(configuration)
    try await one.executeScript("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)")
    let error = try await Live.error {
      try await one.transaction(.repeatableRead) { one in
        _ = try await one.query("SELECT * FROM t")
        try await two.execute("UPDATE t SET a = 2")
        try await one.execute("UPDATE t SET a = 3")
      }
    }
    #expect(error.sqlState == .serializationFailure)
    #expect(error.isSafeToRetry)
    await one.close()
    await two.close()
  }
}
