// The async face: transactions, cancellation, shared commits, closing.

import Foundation
import SQLite
import Testing

@Suite("Database")
struct DatabaseTests {
  private struct Stop: Error, Equatable {}

  /// A statement that never ends by itself.
  private static let endless =
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"

  private func open(_ folder: DatabaseFolder) async throws -> SQLiteDatabase {
    let database = try await SQLiteDatabase(path: folder.file())
    try await database.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v UNIQUE)")
    return database
  }

  private func ids(_ database: SQLiteDatabase) async throws -> [Int64] {
    try await database.query("SELECT id FROM t ORDER BY id").compactMap { $0[0].int64 }
  }

  @Test("A new file gets a write-ahead log and a full sync; one that exists keeps its journal")
  func journalMode() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    #expect(try await database.queryOne("PRAGMA journal_mode")?[0] == "wal")
    let settings = try await database.write { connection in
      try ["synchronous", "foreign_keys"].map { try connection.queryOne("PRAGMA \($0)")?[0] }
    }
    #expect(settings == [2, 1])
    await database.close()
    try SQLiteConnection(path: folder.file("old.db")).execute("CREATE TABLE t (x)")
    let old = try await SQLiteDatabase(path: folder.file("old.db"))
    #expect(try await old.queryOne("PRAGMA journal_mode")?[0] == "delete")
    await old.close()
  }

  @Test("A write commits, or is undone when its body throws")
  func write() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    let id = try await database.write { connection in
      try connection.execute("INSERT INTO t VALUES (1, 'a')")
      return connection.lastInsertRowID
    }
    #expect(id == 1)
    await #expect(throws: Stop()) {
      try await database.write { connection in
        try connection.execute("INSERT INTO t VALUES (2, 'b')")
        throw Stop()
      }
    }
    #expect(try await ids(database) == [1])
    await #expect(throws: SQLiteError.self) { try await database.query("INSERT INTO t VALUES (3, 'c')") }
    await database.close()
  }

  @Test("A body that throws among a thousand at once is undone alone, and told its own fault")
  func sharedCommit() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    let failed = await withTaskGroup(of: Int64?.self) { group in
      for id in Int64(1)...1000 {
        group.addTask {
          do {
            try await database.write { connection in
              try connection.execute("INSERT INTO t VALUES (?, ?)", [.integer(id), .integer(id)])
              if id.isMultiple(of: 10) { throw Stop() }
              if id.isMultiple(of: 7) {
                try connection.execute("INSERT INTO t VALUES (?, 1)", [.integer(id)])
              }
            }
            return nil
          } catch {
            return id
          }
        }
      }
      return await group.reduce(into: Set<Int64>()) { if let id = $1 { $0.insert(id) } }
    }
    let expected = Set((Int64(1)...1000).filter { $0 % 10 == 0 || $0 % 7 == 0 })
    #expect(failed == expected)
    #expect(try await ids(database) == (Int64(1)...1000).filter { !expected.contains($0) })
    await database.close()
  }

  @Test("A violated deferred key fails one body of a shared commit, not its neighbours")
  func deferredKey() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    try await database.execute(
      "CREATE TABLE child (t INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
    let failures = await withTaskGroup(of: SQLiteError?.self) { group in
      for id in Int64(1)...50 {
        group.addTask {
          do {
            if id == 25 {
              try await database.execute("INSERT INTO child VALUES (999)")
            } else {
              try await database.execute("INSERT INTO t VALUES (?, NULL)", [.integer(id)])
            }
            return nil
          } catch {
            return error as? SQLiteError
          }
        }
      }
      return await group.reduce(into: [SQLiteError]()) { if let error = $1 { $0.append(error) } }
    }
    #expect(failures.map(\.code) == [.constraintForeignKey])
    #expect(try await ids(database).count == 49)
    #expect(try await database.query("SELECT * FROM child").isEmpty)
    await database.close()
  }

  @Test("Cancelling a task ends its statement, and undoes its transaction", arguments: [true, false])
  func cancellation(_ writes: Bool) async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    let (started, start) = AsyncStream<Void>.makeStream()
    let body: @Sendable (SQLiteConnection) throws -> Void = { connection in
      if writes { try connection.execute("INSERT INTO t VALUES (1, 'a')") }
      start.yield()
      _ = try connection.query(Self.endless)
    }
    let task = Task { writes ? try await database.write(body) : try await database.read(body) }
    for await _ in started { break }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(try await ids(database) == [])
    try await database.execute("INSERT INTO t VALUES (2, 'b')")
    #expect(try await ids(database) == [2])
    await database.close()
  }

  @Test("An interrupted write takes the shared transaction away, and its neighbours are still written")
  func cancelledNeighbour() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    let (started, start) = AsyncStream<Void>.makeStream()
    let released = DispatchSemaphore(value: 0)
    // The writer is held in the first body until all the others wait, so that they become one group.
    let holder = Task {
      try await database.write { _ in
        start.yield()
        released.wait()
      }
    }
    for await _ in started { break }
    let neighbours = (Int64(10)..<20).map { id in
      Task { try await database.execute("INSERT INTO t VALUES (?, NULL)", [.integer(id)]) }
    }
    let endless = Task {
      try await database.write { connection in
        start.yield()
        // An INSERT that never ends: its interruption undoes the whole transaction.
        try connection.execute(
          "INSERT INTO t (v) WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT NULL FROM n WHERE x < 0"
        )
      }
    }
    // Long enough for all of them to queue; where it is not, the test only proves less.
    try await Task.sleep(for: .milliseconds(100))
    released.signal()
    try await holder.value
    for await _ in started { break }
    endless.cancel()
    await #expect(throws: CancellationError.self) { try await endless.value }
    for neighbour in neighbours { #expect(try await neighbour.value == 1) }
    #expect(try await ids(database) == Array(10..<20))
    await database.close()
  }

  @Test("A task that is cancelled while it waits for its turn is answered at once")
  func cancelledWhileWaiting() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    let (started, start) = AsyncStream<Void>.makeStream()
    let holder = Task {
      try await database.write { connection in
        start.yield()
        _ = try connection.query(Self.endless)
      }
    }
    for await _ in started { break }
    let waiter = Task { try await database.execute("INSERT INTO t VALUES (1, 'a')") }
    waiter.cancel()
    await #expect(throws: CancellationError.self) { try await waiter.value }
    holder.cancel()
    _ = await holder.result
    #expect(try await ids(database) == [])
    await database.close()
  }

  @Test("A body may not end the transaction that it shares, in any spelling")
  func transactionStatements() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    // What runs outside a transaction may; its statements must not be found in the cache afterwards.
    try await database.writeWithoutTransaction { connection in
      try connection.execute("BEGIN")
      try connection.execute("COMMIT")
      try connection.execute("VACUUM")
    }
    for sql in ["COMMIT", "ROLLBACK", "end", "BEGIN", "/* x */ CoMMiT"] {
      let error = await #expect(throws: SQLiteError.self) {
        try await database.write { connection in
          try connection.execute("INSERT INTO t (v) VALUES ('x')")
          try connection.execute(sql)
        }
      }
      #expect(error?.code == .notAuthorized)
    }
    #expect(try await ids(database) == [])
    try await database.write { connection in
      try connection.transaction { _ = try connection.execute("INSERT INTO t VALUES (1, 'a')") }
    }
    #expect(try await ids(database) == [1])
    await database.close()
  }

  @Test("A read sees one moment while others write")
  func readSnapshot() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    try await database.execute("INSERT INTO t VALUES (1, 'a')")
    let path = folder.file()
    let counts = try await database.read { connection in
      let before = try connection.query("SELECT * FROM t").count
      try SQLiteConnection(path: path).execute("INSERT INTO t VALUES (2, 'b')")
      return [before, try connection.query("SELECT * FROM t").count]
    }
    #expect(counts == [1, 1])
    #expect(try await ids(database) == [1, 2])
    await database.close()
  }

  @Test("Closing waits for what is under way, and what comes later is a typed error")
  func close() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    let writes = (Int64(1)...100).map { id in
      Task { try await database.execute("INSERT INTO t VALUES (?, NULL)", [.integer(id)]) }
    }
    _ = try await writes[0].value
    await database.close()
    var written: [Int64] = []
    for (index, write) in writes.enumerated() {
      switch await write.result {
      case .success: written.append(Int64(index + 1))
      case .failure(let error): #expect((error as? SQLiteError)?.code == .misuse)
      }
    }
    let after = await #expect(throws: SQLiteError.self) { try await database.execute("DELETE FROM t") }
    #expect(after?.code == .misuse)
    await database.close()
    let again = try await SQLiteDatabase(path: folder.file())
    #expect(try await ids(again) == written)
    // The last connection has merged the log and removed it.
    await again.close()
    #expect(try folder.bytes().keys.sorted() == ["agent.db"])
  }

  @Test("Backup, integrity check and checkpoint of the whole file")
  func wholeFile() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    try await database.execute("INSERT INTO t VALUES (1, 'a')")
    try await database.backup(to: folder.file("copy.db"))
    #expect(try SQLiteConnection(path: folder.file("copy.db")).query("SELECT * FROM t").count == 1)
    #expect(try await database.integrityCheck() == [])
    #expect(try await database.checkpoint())
    #expect(try folder.bytes()["agent.db-wal"]?.isEmpty == true)
    await database.close()
  }

  @Test("What is no database fails when it is opened, and memory is refused")
  func opening() async throws {
    let folder = try DatabaseFolder()
    try String(repeating: "no database ", count: 100).write(
      toFile: folder.file(), atomically: true, encoding: .utf8)
    let other = await #expect(throws: SQLiteError.self) { try await SQLiteDatabase(path: folder.file()) }
    #expect(other?.code == .notADatabase)
    let missing = await #expect(throws: SQLiteError.self) {
      try await SQLiteDatabase(path: folder.file("none.db"), access: .readWrite)
    }
    #expect(missing?.code == .cannotOpen)
    let memory = await #expect(throws: SQLiteError.self) { try await SQLiteDatabase(path: ":memory:") }
    #expect(memory?.code == .misuse)
    try SQLiteConnection(path: folder.file("old.db")).execute("CREATE TABLE t (id)")
    let readOnly = try await SQLiteDatabase(path: folder.file("old.db"), access: .readOnly)
    #expect(try await readOnly.query("SELECT * FROM t").isEmpty)
    let refused = await #expect(throws: SQLiteError.self) { try await readOnly.execute("DELETE FROM t") }
    #expect(refused?.code.primary == .readOnly)
    await readOnly.close()
  }

  @Test("A full disk is an error that says so, and what was written before stays")
  func fullDisk() async throws {
    let folder = try DatabaseFolder()
    let database = try await open(folder)
    try await database.execute("INSERT INTO t VALUES (1, 'a')")
    // A limit on the pages fails as a disk does.
    _ = try await database.writeWithoutTransaction { try $0.queryOne("PRAGMA max_page_count = 10")?.values }
    let results = await withTaskGroup(of: (any Error)?.self) { group in
      for id in Int64(2)...20 {
        group.addTask {
          do {
            let size = id == 10 ? 200_000 : 10
            try await database.execute(
              "INSERT INTO t VALUES (?, ?)",
              [.integer(id), .blob([UInt8](repeating: UInt8(id), count: size))])
            return nil
          } catch {
            return error
          }
        }
      }
      return await group.reduce(into: [SQLiteError?]()) {
        if let error = $1 { $0.append(error as? SQLiteError) }
      }
    }
    #expect(results.map { $0?.code } == [.full])
    #expect(results.first??.description.contains("free space") == true)
    #expect(try await ids(database) == (Int64(1)...20).filter { $0 != 10 })
    await database.close()
  }
}
