// The async face of a file: one writer, several readers, none of them on a cooperative thread.

internal import Synchronization

/// A SQLite file for many tasks at once.
///
/// Writes go one after the other through one connection, and those that are under way at once share a commit. Reads go
/// through connections of their own; with a write-ahead log they and the writer never wait for each other. Cancelling a task
/// interrupts its statement and undoes its transaction.
///
///     let database = try await SQLiteDatabase(path: "agent.db")
///     try await database.write { connection in
///       try connection.execute("INSERT INTO memory (content) VALUES (?)", ["…"])
///     }
public final class SQLiteDatabase: Sendable {
  /// What a commit waits for.
  public enum Durability: String, Sendable {
    /// The disk: what was acknowledged survives a power failure (`synchronous = FULL`).
    case full = "FULL"
    /// The system: a power failure may take the last commits, but never damages the file (`synchronous = NORMAL`).
    case normal = "NORMAL"
  }

  private struct State {
    var isClosed = false
    var underWay = 0
    var closers: [CheckedContinuation<Void, Never>] = []
  }

  /// The file.
  public let path: String
  private let writerQueue: SQLiteQueue
  private let writer: SQLiteWriter
  private let readers: SQLiteReaders
  private let eagerness: SQLiteEagerness
  private let state = Mutex(State())

  /// Opens a file. A new one gets a write-ahead log; one that exists keeps its journal mode. Foreign keys are enforced.
  ///
  /// - Parameters:
  ///   - busyTimeout: how long a call waits for other processes' locks before it fails with `busy`.
  ///   - readers: how many reads may run at once.
  ///   - isEager: whether a caller may keep its thread for a moment, about a millisecond at most: to run a short read itself
  ///     (`readBriefly`), and to look out for the answer where the disk is quick. Without it every call suspends its task and
  ///     changes threads twice.
  ///   - observer: is told of slow statements.
  /// - Throws: `SQLiteError` where the file cannot be opened or is no database.
  public init(
    path: String, access: SQLiteConnection.Access = .create, busyTimeout: Duration = .seconds(10),
    readers: Int = 4, durability: Durability = .full,
    isEager: Bool = true, observer: SQLiteObserver? = nil
  ) async throws {
    precondition(readers > 0, "a database needs a reader")
    guard path != ":memory:", !path.isEmpty else {
      throw SQLiteError(code: .misuse, message: "several connections need a file that they share", path: path)
    }
    self.path = path
    writerQueue = SQLiteQueue(label: "sqlite.writer") {
      try SQLiteConnection.writer(
        path: path, access: access, busyTimeout: busyTimeout, durability: durability, observer: observer)
    }
    let eagerness = SQLiteEagerness(isOn: isEager)
    self.eagerness = eagerness
    writer = SQLiteWriter(queue: writerQueue, path: path, patience: busyTimeout, eagerness: eagerness)
    self.readers = SQLiteReaders(
      (0..<readers).map { number in
        SQLiteQueue(label: "sqlite.reader.\(number)") {
          try SQLiteConnection.reader(
            path: path, access: access, busyTimeout: busyTimeout, observer: observer)
        }
      })
    // Opens the writer, and fails here rather than at the first call where the file is no database.
    try await write(as: .outside) { connection in
      _ = try connection.queryOne("SELECT count(*) FROM sqlite_schema")
    }
  }

  // MARK: Bodies

  /// Runs the body in one read transaction: all of its statements see one moment.
  ///
  /// - Throws: what the body throws; `CancellationError`; `SQLiteError`.
  public func read<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteConnection) throws -> Value
  ) async throws -> Value {
    try await perform(on: readers.add) { connection in
      try connection.transaction(.deferred) { try body(connection) }
    }
  }

  /// Runs one short statement that reads on the caller's own thread, outside of any transaction, where a reader is free and no
  /// lock has to be waited for.
  ///
  /// The body finds its rows by an index, and reads few of them: see `SQLiteEagerness` for why that blocks nobody. A
  /// rollback journal may have to be played back first, so a file without a write-ahead log is not read in this way.
  ///
  /// - Returns: what the body returns; nil where it was not run, or failed: then `read` does it, and tells why.
  @inlinable
  public func readBriefly<Value>(_ body: (SQLiteConnection) throws -> Value?) throws(SQLiteError) -> Value? {
    var value: Value?
    try runBriefly { value = try body($0) }
    return value
  }

  /// The same for whatever value: what is generic is compiled in the caller's module, for the value that it reads.
  @usableFromInline
  func runBriefly(_ body: (SQLiteConnection) throws -> Void) throws(SQLiteError) {
    try enter()
    defer { leave() }
    guard eagerness.mayRead() else { return }
    let start = ContinuousClock.now
    readers.runNow(body)
    eagerness.noteRead(ContinuousClock.now - start)
  }

  /// Runs the body in a transaction that has the write lock from its start, and answers once it is committed.
  ///
  /// A throw or a cancellation undoes it. Bodies that wait at the same time share one transaction, each in its own
  /// savepoint. Where a neighbour's failure takes that transaction away the body runs again, so it should have no effect
  /// outside the database. It may not begin or end transactions by itself, but nest them with `transaction`.
  ///
  /// - Throws: what the body throws; `CancellationError`; `SQLiteError`, `busy` where the lock was not given in time.
  public func write<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteConnection) throws -> Value
  ) async throws -> Value {
    try await write(as: .grouped, body)
  }

  /// Runs the body on the writer outside any transaction, for what SQLite does not allow inside one: VACUUM, some PRAGMAs.
  public func writeWithoutTransaction<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteConnection) throws -> Value
  ) async throws -> Value {
    try await write(as: .outside, body)
  }

  /// Runs the body in a transaction of its own that lasts as long as the body does, over as many awaits as it likes.
  ///
  /// The writer is lent to it: its statements see each other, nothing else is written meanwhile, and other writers wait, up
  /// to the busy limit. It commits when the body returns; a throw or the cancellation of the task undoes all of it.
  /// `write` is quicker for a body that needs no await.
  ///
  /// - Throws: what the body throws; `CancellationError`; `SQLiteError`, `busy` where the lock was not given in time.
  public nonisolated(nonsending) func transaction<Value>(
    _ body: nonisolated(nonsending) (SQLiteTransaction) async throws -> Value
  ) async throws -> Value {
    try enter()
    defer { leave() }
    return try await SQLiteTransaction.run(on: writer, within: nil, body)
  }

  // MARK: Single statements

  /// All rows of one statement that only reads.
  public func query(_ sql: String, _ values: [SQLiteValue] = []) async throws -> [SQLiteRow] {
    try await perform(on: readers.add) { try $0.query(sql, values) }
  }

  /// The first row of one statement that only reads; nil where it answers none.
  public func queryOne(_ sql: String, _ values: [SQLiteValue] = []) async throws -> SQLiteRow? {
    try await perform(on: readers.add) { try $0.queryOne(sql, values) }
  }

  /// Runs one statement in a transaction, and answers once it is committed.
  ///
  /// - Returns: how many rows it inserted, updated or deleted.
  @discardableResult
  public func execute(_ sql: String, _ values: [SQLiteValue] = []) async throws -> Int {
    try await write { try $0.execute(sql, values) }
  }

  // MARK: The whole file

  /// Copies the database into a new file while others go on; with a write-ahead log, as it is at the beginning.
  ///
  /// - Parameter progress: called on the reader's queue after every 4 MB or so; what it throws ends the backup.
  /// - Throws: `cannotOpen` where the destination is there already.
  public func backup(
    to destination: String, progress: (@Sendable (SQLiteBackupProgress) throws -> Void)? = nil
  ) async throws {
    try await perform(on: readers.add) { connection in
      // Without a log, a read transaction of that length would keep writers out.
      guard try connection.queryOne("PRAGMA journal_mode")?[0] == "wal" else {
        return try connection.backup(to: destination, progress: progress)
      }
      try connection.transaction(.deferred) {
        _ = try connection.queryOne("SELECT count(*) FROM sqlite_schema")
        try connection.backup(to: destination, progress: progress)
      }
    }
  }

  /// Looks for damage (PRAGMA integrity_check).
  ///
  /// - Returns: the faults; none where the file is sound.
  public func integrityCheck() async throws -> [String] {
    try await perform(on: readers.add) { try $0.integrityCheck() }
  }

  /// Merges the write-ahead log into the file and empties it; does nothing to a file without one.
  ///
  /// - Returns: whether all of it could be merged; readers of an older moment prevent it.
  @discardableResult
  public func checkpoint() async throws -> Bool {
    try await writeWithoutTransaction { try $0.queryOne("PRAGMA wal_checkpoint(TRUNCATE)")?[0] == 0 }
  }

  /// Waits for what is under way, then closes all connections. Calls that come later fail with `misuse`.
  public func close() async {
    await withCheckedContinuation { continuation in
      let isIdle = state.withLock { state in
        state.isClosed = true
        if state.underWay > 0 { state.closers.append(continuation) }
        return state.underWay == 0
      }
      if isIdle { continuation.resume() }
    }
    await readers.close()
    await writerQueue.close()
  }

  // MARK: Jobs

  private func perform<Value: Sendable>(
    on add: (SQLiteJob) -> Void, _ body: @escaping @Sendable (SQLiteConnection) throws -> Value
  ) async throws -> Value {
    try enter()
    defer { leave() }
    let outcome = SQLiteOutcome<Value>()
    try await SQLiteJob(.grouped) { outcome.set(try body($0)) }.wait(queue: add)
    return outcome.get()
  }

  private func write<Value: Sendable>(
    as role: SQLiteJob.Role, _ body: @escaping @Sendable (SQLiteConnection) throws -> Value
  ) async throws -> Value {
    try enter()
    defer { leave() }
    let outcome = SQLiteOutcome<Value>()
    try await writer.perform(SQLiteJob(role) { outcome.set(try body($0)) })
    return outcome.get()
  }

  private func enter() throws(SQLiteError) {
    let mayEnter = state.withLock { state in
      if !state.isClosed { state.underWay += 1 }
      return !state.isClosed
    }
    guard mayEnter else { throw .closed(path: path) }
  }

  private func leave() {
    let closers = state.withLock { state in
      state.underWay -= 1
      guard state.isClosed, state.underWay == 0 else { return [CheckedContinuation<Void, Never>]() }
      defer { state.closers = [] }
      return state.closers
    }
    for closer in closers { closer.resume() }
  }
}
