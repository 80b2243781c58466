// The one writer of a database: bodies that wait at the same time share one commit.

internal import Synchronization

/// Runs write bodies one after the other. Those that came while a commit was under way become the next group:
/// each in its own savepoint, all in one transaction, so that they share one wait for the disk.
///
/// A body that throws is undone alone. Where a failure takes the whole transaction away (an interrupted write, a full
/// disk), its neighbours run again, each in a transaction of its own; likewise where the commit finds a violated
/// constraint. So a body is told its own fault and never another's.
///
/// A transaction of a caller's own (`SQLiteTransaction`) has the writer on loan from its begin to its end: its jobs come and
/// go, no thread waits between them, and the others stay queued.
final class SQLiteWriter: Sendable {
  /// How long a group may hold the lock before its commit; other processes wait for it too.
  private static let groupLimit = Duration.milliseconds(50)

  private let state = Mutex(SQLiteWriterState())
  private let queue: SQLiteQueue
  let path: String
  /// How long a job waits for the end of a transaction that has the writer on loan.
  private let patience: Duration

  init(queue: SQLiteQueue, path: String, patience: Duration) {
    self.queue = queue
    self.path = path
    self.patience = patience
  }

  /// A number for a transaction that is going to begin.
  func newScope() -> Int { state.withLock { $0.newScope() } }

  /// Queues a job; it is answered once its work is committed, or undone.
  func add(_ job: SQLiteJob) { add(job, within: nil) }

  /// Queues a job within an open transaction, whose end decides about its work, or outside of all.
  func add(_ job: SQLiteJob, within scope: Int?) {
    let (isFirst, isLent) = state.withLock { ($0.add(job, within: scope), $0.isLent) }
    guard let isFirst else { return job.answer(.failure(SQLiteError.transactionEnded(path: path))) }
    if scope == nil, isLent { limitWait(of: job) }
    guard isFirst else { return }
    queue.async { [self] connection in
      do {
        drain(try connection.get())
      } catch {
        for job in state.withLock({ $0.takeAll() }) { job.answer(.failure(error)) }
      }
    }
  }

  /// Ends a job's wait for a transaction when the limit is reached.
  private func limitWait(of job: SQLiteJob) {
    queue.after(patience) { [weak self] in
      guard let self, state.withLock({ $0.giveUp(job) }) else { return }
      job.answer(.failure(SQLiteError.writerOnLoan(path: path)))
    }
  }

  // MARK: Loans

  /// Whether a transaction of a caller's own is open.
  var isLent: Bool { state.withLock { $0.isLent } }
  /// Whether it has one nested in it.
  var isNested: Bool { state.withLock { $0.isNested } }

  /// Notes that a transaction has begun; the jobs that wait for its end wait no longer than the limit.
  func opened(_ scope: Int) {
    for job in state.withLock({ $0.opened(scope) }) { limitWait(of: job) }
  }

  /// Notes that the innermost transaction has ended; answers its jobs that came too late.
  func closed() -> [SQLiteJob] { state.withLock { $0.closed() } }

  // MARK: On the queue

  private func drain(_ connection: SQLiteConnection) {
    while let turn = state.withLock({ $0.take() }) {
      switch turn {
      case .group(let jobs): run(jobs, on: connection)
      case .lent(let job): runLent(job, on: connection)
      }
    }
  }

  private func run(_ jobs: [SQLiteJob], on connection: SQLiteConnection) {
    var rest = jobs[...]
    while let first = rest.first {
      if first.role == .grouped {
        let group = rest.prefix { $0.role == .grouped }
        rest = rest.dropFirst(runTogether(group, on: connection))
      } else {
        first.answer(Result { try runOutside(first, on: connection) })
        rest = rest.dropFirst()
      }
    }
  }

  /// Runs jobs in one transaction until they are all done or the group has held the lock long enough.
  ///
  /// - Returns: how many were run.
  private func runTogether(_ jobs: ArraySlice<SQLiteJob>, on connection: SQLiteConnection) -> Int {
    guard jobs.count > 1 else {
      for job in jobs { runAlone(job, on: connection) }
      return jobs.count
    }
    do {
      try connection.begin(.immediate)
    } catch {
      for job in jobs { job.answer(.failure(error)) }
      return jobs.count
    }
    let end = ContinuousClock.now + Self.groupLimit
    var done: [SQLiteJob] = []
    var count = 0
    for job in jobs {
      do {
        try connection.savepoint { try job.run(on: connection) }
        done.append(job)
      } catch {
        job.answer(.failure(error))
      }
      count += 1
      guard connection.isInTransaction else {
        for neighbour in done { runAlone(neighbour, on: connection) }
        return count
      }
      if ContinuousClock.now >= end { break }
    }
    commit(done, on: connection)
    return count
  }

  private func commit(_ jobs: [SQLiteJob], on connection: SQLiteConnection) {
    do {
      try connection.commit()
      for job in jobs { job.answer(.success(())) }
    } catch {
      connection.rollback()
      // A deferred foreign key of one body: only that one shall fail.
      if case .constraint = error.code {
        for job in jobs { runAlone(job, on: connection) }
      } else {
        for job in jobs { job.answer(.failure(error)) }
      }
    }
  }

  private func runAlone(_ job: SQLiteJob, on connection: SQLiteConnection) {
    job.answer(
      Result {
        // Never as a savepoint of a transaction that is open by mistake: its commit would not be one.
        try connection.begin(.immediate)
        do {
          try job.run(on: connection)
          try connection.commit()
        } catch {
          connection.rollback()
          throw error
        }
      })
  }

  private func runOutside(_ job: SQLiteJob, on connection: SQLiteConnection) throws {
    // VACUUM begins a transaction by itself. What is compiled meanwhile must not serve a later body.
    connection.control.allowsTransactionStatements = true
    defer {
      connection.rollback()
      connection.forgetStatements()
      connection.control.allowsTransactionStatements = false
    }
    try job.run(on: connection)
  }
}
