// The one writer of a database: bodies that wait at the same time share one commit.

internal import Synchronization

/// Runs write bodies one after the other. Those that came while a commit was under way become the next group: all in one
/// transaction, so that they share one wait for the disk.
///
/// A body that throws is undone alone: mostly it has not written anything yet; else the group begins again, each body in a
/// savepoint, and so do the next groups (a savepoint for each body costs a quarter of the rate). Where a failure takes the whole transaction away (an interrupted write, a full
/// disk), its neighbours run again, each in a transaction of its own; likewise where the commit finds a violated
/// constraint. So a body is told its own fault and never another's.
///
/// A transaction of a caller's own (`SQLiteTransaction`) has the writer on loan from its begin to its end: its jobs come and
/// go, no thread waits between them, and the others stay queued.
final class SQLiteWriter: Sendable {
  /// How long a group may hold the lock before its commit; other processes wait for it too.
  private static let groupLimit = Duration.milliseconds(50)

  /// A body that throws after it has written is likely to have followers.
  private static let cautiousGroupsAfterFault = 16

  private let state = Mutex(SQLiteWriterState())
  private let queue: SQLiteQueue
  let path: String
  /// How long a job waits for the end of a transaction that has the writer on loan.
  private let patience: Duration
  private let eagerness: SQLiteEagerness
  /// Whether a job has come since this was last false.
  private let hasNews = Atomic<Bool>(false)
  /// How many groups are still to run with a savepoint for each job; touched on the queue only.
  private let cautiousGroups = Atomic<Int>(0)

  init(queue: SQLiteQueue, path: String, patience: Duration, eagerness: SQLiteEagerness) {
    self.queue = queue
    self.path = path
    self.patience = patience
    self.eagerness = eagerness
  }

  /// Queues a job and waits for its end.
  nonisolated(nonsending) func perform(_ job: SQLiteJob, within scope: Int? = nil, isShielded: Bool = false)
    async throws
  {
    try await eagerness.withCaller { eager in
      try await job.wait(isShielded: isShielded, eager: eager) { add($0, within: scope) }
    }
  }

  /// A number for a transaction that is going to begin.
  func newScope() -> Int { state.withLock { $0.newScope() } }

  /// Queues a job within an open transaction, whose end decides about its work, or outside of all.
  private func add(_ job: SQLiteJob, within scope: Int?) {
    let (isFirst, isLent) = state.withLock { ($0.add(job, within: scope), $0.isLent) }
    guard let isFirst else { return job.answer(.failure(SQLiteError.transactionEnded(path: path))) }
    hasNews.store(true, ordering: .releasing)
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
    // Whether the next job is likely to come at once: then the thread stays awake for it.
    var looksOut = false
    while true {
      hasNews.store(false, ordering: .relaxed)
      switch state.withLock({ $0.take(staying: looksOut) }) {
      case .group(let jobs)?:
        run(jobs, on: connection)
        looksOut = jobs.last?.callerLooksOut ?? false
      case .lent(let job)?:
        runLent(job, on: connection)
        looksOut = job.callerLooksOut
      case nil:
        guard looksOut else { return }
        looksOut = SQLiteEagerness.lookOut { hasNews.load(ordering: .acquiring) }
      }
    }
  }

  private func run(_ jobs: [SQLiteJob], on connection: SQLiteConnection) {
    var rest = jobs[...]
    while let first = rest.first {
      if first.role == .grouped {
        let group = rest.prefix { $0.role == .grouped }
        rest = runTogether(group, on: connection) + rest.dropFirst(group.count)
      } else {
        first.answer(Result { try runOutside(first, on: connection) })
        rest = rest.dropFirst()
      }
    }
  }

  /// Runs jobs in one transaction until they are all done or the group has held the lock long enough.
  ///
  /// - Returns: those that were not run.
  private func runTogether(_ jobs: ArraySlice<SQLiteJob>, on connection: SQLiteConnection) -> ArraySlice<
    SQLiteJob
  > {
    guard jobs.count > 1 else {
      for job in jobs { runAlone(job, on: connection) }
      return []
    }
    do {
      try connection.begin(.immediate)
    } catch {
      for job in jobs { job.answer(.failure(error)) }
      return []
    }
    let end = ContinuousClock.now + Self.groupLimit
    var isCautious = cautiousGroups.load(ordering: .relaxed) > 0
    if isCautious { cautiousGroups.subtract(1, ordering: .relaxed) }
    var done: [SQLiteJob] = []
    var rest = jobs
    while let job = rest.popFirst() {
      let writes = connection.writesBegun
      do {
        if isCautious {
          try connection.savepoint { try job.run(on: connection) }
        } else {
          try job.run(on: connection)
          // It may have caught the error that undid everything: the next one must not run without a transaction.
          guard connection.isInTransaction else { throw SQLiteError.transactionUndone(path: path) }
        }
        done.append(job)
      } catch {
        if connection.isInTransaction, isCautious || connection.writesBegun == writes {
          job.answer(.failure(error))
        } else if isCautious {
          // The whole transaction is gone, with what the neighbours did.
          job.answer(.failure(error))
          for neighbour in done { runAlone(neighbour, on: connection) }
          return rest
        } else {
          // Without a savepoint, what it has done can only be undone with all the rest: they begin again, each in one.
          connection.rollback()
          cautiousGroups.store(Self.cautiousGroupsAfterFault, ordering: .relaxed)
          do {
            try connection.begin(.immediate)
          } catch {
            for job in done + [job] + rest { job.answer(.failure(error)) }
            return []
          }
          isCautious = true
          rest = (done + [job] + rest)[...]
          done = []
        }
      }
      if ContinuousClock.now >= end { break }
    }
    commit(done, on: connection)
    return rest
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
