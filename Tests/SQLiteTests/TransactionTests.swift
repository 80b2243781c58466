// The writer on loan: a transaction over several awaits, and what becomes of those who wait.

import Foundation
import SQLite
import Testing

@Suite("Transactions over awaits")
struct TransactionTests {
  private struct Stop: Error, Equatable {}

  private func open(
    _ folder: DatabaseFolder, journal: String = "WAL", busyTimeout: Duration = .seconds(10)
  ) async throws -> SQLiteDatabase {
    try SQLiteConnection(path: folder.file()).executeScript(
      "PRAGMA journal_mode = \(journal); CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE)")
    return try await SQLiteDatabase(path: folder.file(), busyTimeout: busyTimeout)
  }

  private func ids(_ database: SQLiteDatabase) async throws -> [Int64] {
    try await database.query("SELECT id FROM t ORDER BY id").compactMap { $0[0].int64 }
  }

  private func insert(_ id: Int64, _ transaction: SQLiteTransaction) async throws {
    try await transaction.perform {
      _ = try $0.execute("INSERT INTO t VALUES (?, ?)", [.integer(id), .integer(id)])
    }
  }

  @Test("It commits as a whole, and is undone as a whole", arguments: ["WAL", "DELETE"])
  func whole(_ journal: String) async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder, journal: journal)
    try await database.transaction { transaction in
      try await insert(1, transaction)
      try await insert(2, transaction)
      #expect(try await transaction.perform { try $0.query("SELECT id FROM t").count } == 2)
    }
    await #expect(throws: Stop()) {
      try await database.transaction { transaction in
        try await insert(3, transaction)
        throw Stop()
      }
    }
    #expect(try await ids(database) == [1, 2])
    await database.close()
  }

  @Test("A body that fails within it is undone alone; a nested one takes all of its own with it")
  func nested() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    try await database.transaction { transaction in
      try await insert(1, transaction)
      await #expect(throws: SQLiteError.self) {
        try await transaction.perform { connection in
          try connection.execute("INSERT INTO t VALUES (2, 2)")
          try connection.execute("INSERT INTO t VALUES (3, 1)")
        }
      }
      await #expect(throws: Stop()) {
        try await transaction.transaction { inner in
          try await insert(4, inner)
          try await inner.transaction { try await insert(5, $0) }
          throw Stop()
        }
      }
      try await transaction.transaction { try await insert(6, $0) }
    }
    #expect(try await ids(database) == [1, 6])
    await database.close()
  }

  @Test("Others wait for its end, and all go on then")
  func others() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder, busyTimeout: .seconds(300))
    try await withThrowingTaskGroup(of: Void.self) { group in
      try await database.transaction { transaction in
        try await insert(1, transaction)
        for id in Int64(2)...50 {
          group.addTask {
            try await database.write {
              _ = try $0.execute("INSERT INTO t VALUES (?, ?)", [.integer(id), .integer(id)])
            }
          }
        }
        for id in Int64(51)...60 {
          group.addTask { try await database.transaction { try await insert(id, $0) } }
        }
        try await Task.sleep(for: .milliseconds(50))
        #expect(try await transaction.perform { try $0.query("SELECT id FROM t").count } == 1)
        // Readers do not wait.
        #expect(try await ids(database).isEmpty)
      }
      try await group.waitForAll()
    }
    #expect(try await ids(database) == Array(1...60))
    await database.close()
  }

  @Test("Who waits longer than the busy limit is told so, and the writer is sound afterwards")
  func limit() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder, busyTimeout: .milliseconds(150))
    try await database.transaction { transaction in
      try await insert(1, transaction)
      let early = Task { try await database.transaction { try await insert(2, $0) } }
      let error = await #expect(throws: SQLiteError.self) {
        try await database.execute("INSERT INTO t VALUES (3, 3)")
      }
      #expect(error?.code == .busy && error?.isSafeToRetry == true)
      await #expect(throws: SQLiteError.self) { try await early.value }
      try await insert(4, transaction)
    }
    try await database.execute("INSERT INTO t VALUES (5, 5)")
    #expect(try await ids(database) == [1, 4, 5])
    await database.close()
  }

  @Test("Cancelled at any moment, it happens or does not, and gives the writer back")
  func cancelled() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    for number in Int64(0)..<150 {
      let task = Task {
        try await database.transaction { transaction in
          try await insert(2 * number, transaction)
          try await transaction.transaction { try await insert(2 * number + 1, $0) }
        }
      }
      if number % 3 > 0 { try await Task.sleep(for: .microseconds(number)) }
      task.cancel()
      let result = await task.result
      let count = try await database.write { connection in
        try connection.query("SELECT id FROM t WHERE id / 2 = ?", [.integer(number)]).count
      }
      switch result {
      case .success: #expect(count == 2)
      case .failure(let error):
        #expect(count == 0)
        #expect(error is CancellationError)
      }
    }
    await database.close()
  }

  @Test("A storm of transactions that are cancelled while they wait leaves nobody waiting")
  func storm() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder, busyTimeout: .seconds(300))
    let tasks = (Int64(0)..<400).map { id in
      Task { try await database.transaction { try await insert(id, $0) } }
    }
    for task in tasks.shuffled().prefix(200) { task.cancel() }
    var stored: [Int64] = []
    for (id, task) in tasks.enumerated() {
      if case .success = await task.result { stored.append(Int64(id)) }
    }
    #expect(stored.count >= 200)
    #expect(try await ids(database) == stored)
    await database.close()
  }

  @Test("Calls that come after its end are refused; those of a nested one do not hold it up")
  func late() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    let (outer, inner) = try await database.transaction { outer in
      let inner = try await outer.transaction { $0 }
      await #expect(throws: SQLiteError.self) { try await insert(1, inner) }
      try await insert(2, outer)
      return (outer, inner)
    }
    for transaction in [outer, inner] {
      let error = await #expect(throws: SQLiteError.self) { try await insert(3, transaction) }
      #expect(error?.code == .misuse)
    }
    #expect(try await ids(database) == [2])
    await database.close()
  }

  @Test("Closing waits for it")
  func closing() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    let (begun, signal) = AsyncStream<Void>.makeStream()
    let task = Task {
      try await database.transaction { transaction in
        signal.finish()
        try await Task.sleep(for: .milliseconds(50))
        try await insert(1, transaction)
      }
    }
    for await _ in begun {}
    await database.close()
    try await task.value
    #expect(try SQLiteConnection(path: folder.file()).queryOne("SELECT count(*) FROM t")?[0] == 1)
  }

  @Test("A deferred constraint that the commit finds undoes it, and names itself")
  func deferred() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    try await database.execute("CREATE TABLE c (p REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
    let error = await #expect(throws: SQLiteError.self) {
      try await database.transaction { transaction in
        try await transaction.perform { _ = try $0.execute("INSERT INTO c VALUES (99)") }
      }
    }
    #expect(error?.code == .constraintForeignKey)
    try await database.transaction { try await insert(1, $0) }
    #expect(try await database.queryOne("SELECT count(*) FROM c")?[0] == 0)
    await database.close()
  }
}
