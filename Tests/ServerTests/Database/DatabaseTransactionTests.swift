// Transactions of applications: all or nothing, the same on every backend.

import AgentBase
import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite("Databases: transactions") struct DatabaseTransactionTests {
  private struct Failure: Error {}

  private func withTable(
    _ backend: TestBackend, _ body: (Database, String) async throws -> Void
  ) async throws {
    try await DatabaseScene.with(backend) { database, table in
      try await database.executeScript("CREATE TABLE \(table) (id INTEGER PRIMARY KEY, n INTEGER)")
      try await body(database, table)
    }
  }

  private func ids(_ database: some DatabaseOperations, _ table: String) async throws -> [Int] {
    try await database.query("SELECT id FROM \(identifier: table) ORDER BY id", as: Int.self)
  }

  @Test("What a body did commits when it returns, and sees itself", arguments: DatabaseScene.backends)
  func commit(_ backend: TestBackend) async throws {
    try await withTable(backend) { database, table in
      let count = try await database.transaction { transaction in
        try await transaction.execute("INSERT INTO \(identifier: table) VALUES (\(1), \(1))")
        try await transaction.executeScript("INSERT INTO \(table) VALUES (2, 2)")
        return try await ids(transaction, table).count
      }
      #expect(count == 2)
      #expect(try await ids(database, table) == [1, 2])
      #expect(database.metrics.committedTransactions == 1)
    }
  }

  @Test("A throw undoes all", arguments: DatabaseScene.backends)
  func rollback(_ backend: TestBackend) async throws {
    try await withTable(backend) { (database, table) async throws in
      await #expect(throws: Failure.self) {
        try await database.transaction { transaction in
          try await transaction.execute("INSERT INTO \(identifier: table) VALUES (\(1), \(1))")
          throw Failure()
        }
      }
      #expect(try await ids(database, table).isEmpty)
      #expect(database.metrics.rolledBackTransactions == 1)
    }
  }

  @Test("A nested one fails alone", arguments: DatabaseScene.backends)
  func nested(_ backend: TestBackend) async throws {
    try await withTable(backend) { (database, table) async throws in
      try await database.transaction { transaction in
        try await transaction.execute("INSERT INTO \(identifier: table) VALUES (\(1), \(1))")
        for failure in 0..<2 {
          await #expect(throws: (any Error).self) {
            try await transaction.transaction { inner in
              try await inner.execute("INSERT INTO \(identifier: table) VALUES (\(2), \(1))")
              if failure == 0 { throw Failure() }
              try await inner.execute("INSERT INTO \(identifier: table) VALUES (\(1), \(1))")
            }
          }
        }
        try await transaction.transaction { inner in
          try await inner.execute("INSERT INTO \(identifier: table) VALUES (\(3), \(1))")
        }
      }
      #expect(try await ids(database, table) == [1, 3])
    }
  }

  @Test(
    "After a refused call nothing commits, even if its error is caught", arguments: DatabaseScene.backends)
  func refused(_ backend: TestBackend) async throws {
    try await withTable(backend) { (database, table) async throws in
      let error = await #expect(throws: AgentBaseError.self) {
        try await database.transaction { transaction in
          try await transaction.execute("INSERT INTO \(identifier: table) VALUES (\(1), \(1))")
          _ = try? await transaction.execute("INSERT INTO \(identifier: table) VALUES (\(1), \(1))")
          do {
            try await transaction.execute("INSERT INTO \(identifier: table) VALUES (\(2), \(1))")
            Issue.record("a call after a refused one went well")
          } catch let late as AgentBaseError {
            #expect(late.code == .constraint)
          }
        }
      }
      #expect(error?.code == .constraint)
      #expect(try await ids(database, table).isEmpty)
    }
  }

  @Test("A cancelled body is undone", arguments: DatabaseScene.backends)
  func cancelled(_ backend: TestBackend) async throws {
    try await withTable(backend) { (database, table) async throws in
      let (started, continuation) = AsyncStream.makeStream(of: Void.self)
      let task = Task {
        try await database.transaction { transaction in
          try await transaction.execute("INSERT INTO \(identifier: table) VALUES (\(1), \(1))")
          continuation.yield()
          try await Task.sleep(for: .seconds(600))
        }
      }
      for await _ in started { break }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try await ids(database, table).isEmpty)
      try await database.execute("INSERT INTO \(identifier: table) VALUES (\(1), \(1))")
    }
  }

  @Test("Calls past the transaction, and after its end, are refused", arguments: DatabaseScene.backends)
  func outside(_ backend: TestBackend) async throws {
    try await withTable(backend) { (database, table) async throws in
      let kept = try await database.transaction { transaction in
        let past = await #expect(throws: AgentBaseError.self) { try await database.query("SELECT 1") }
        #expect(past?.code == .outsideTransaction)
        try await transaction.transaction { inner in
          let outer = await #expect(throws: AgentBaseError.self) { try await transaction.query("SELECT 1") }
          #expect(outer?.code == .outsideTransaction)
          let answer = try await inner.queryOne("SELECT 1", as: Int.self)
          #expect(answer == 1)
        }
        return transaction
      }
      let late = await #expect(throws: AgentBaseError.self) { try await kept.query("SELECT 1") }
      #expect(late?.code == .closed)
      #expect(try await ids(database, table).isEmpty)
    }
  }

  @Test("Twenty that add at once lose nothing", arguments: DatabaseScene.backends)
  func concurrent(_ backend: TestBackend) async throws {
    try await withTable(backend) { database, table in
      try await database.execute("INSERT INTO \(identifier: table) VALUES (\(1), \(0))")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<20 {
          group.addTask {
            try await database.transaction(isolation: .serializable, isRetryable: true) { transaction in
              let n = try await transaction.queryOne(
                "SELECT n FROM \(identifier: table) WHERE id = 1", as: Int.self)
              try await transaction.execute(
                "UPDATE \(identifier: table) SET n = \((n ?? 0) + 1) WHERE id = 1")
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(
        try await database.queryOne("SELECT n FROM \(identifier: table) WHERE id = 1", as: Int.self) == 20)
    }
  }

  @Test(
    "A serialization failure is one error, or with isRetryable an event and a second run",
    arguments: TestServer.versions)
  func serialization(_ version: TestServer.Version) async throws {
    let log = EventLog([.retry])
    try await DatabaseScene.with(.direct(version), handler: log) {
      (database, table) async throws in
      try await database.executeScript(
        "CREATE TABLE \(table) (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO \(table) VALUES (1, 0)")
      let runs = Mutex(0)
      func add(isRetryable: Bool) async throws {
        try await database.transaction(isolation: .repeatableRead, isRetryable: isRetryable) { transaction in
          let run = runs.withLock { runs in
            runs += 1
            return runs
          }
          _ = try await ids(transaction, table)
          if run == 1 {
            // A second connection, outside of this task's transaction.
            try await Task.detached {
              _ = try await database.execute("UPDATE \(identifier: table) SET n = n + 1")
            }.value
          }
          try await transaction.execute("UPDATE \(identifier: table) SET n = n + 1")
        }
      }
      let error = await #expect(throws: AgentBaseError.self) { try await add(isRetryable: false) }
      #expect(error?.isSafeToRetry == true && runs.withLock { $0 } == 1 && log.all.isEmpty)
      runs.withLock { $0 = 0 }
      try await add(isRetryable: true)
      #expect(runs.withLock { $0 } == 2)
      let event = try #require(log.all.first)
      #expect(log.all.count == 1 && event.count == 1 && event.database == "app" && event.level == .warning)
      #expect(
        try await database.queryOne("SELECT n FROM \(identifier: table)", as: Int.self) == 3)
    }
  }
}
