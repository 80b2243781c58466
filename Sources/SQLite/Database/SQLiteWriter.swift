// The one writer of a database: bodies that wait at the same time share one commit.

internal import Synchronization

/// Runs write bodies one after the other. Those that came while a commit was under way become the next group:
/// each in its own savepoint, all in one transaction, so that they share one wait for the disk.
///
/// A body that throws is undone alone. Where a failure takes the whole transaction away (an interrupted write, a full
/// disk), its neighbours run again, each in a transaction of its own; likewise where the commit finds a violated
/// constraint. So a body is told its own fault and never another's.
final class SQLiteWriter: Sendable {
  private struct State {
    var waiting: [SQLiteJob] = []
    var isScheduled = false
  }

  /// How long a group may hold the lock before its commit; other processes wait for it too.
  private static let groupLimit = Duration.milliseconds(50)

  private let state = Mutex(State())
  private let queue: SQLiteQueue

  init(queue: SQLiteQueue) {
    self.queue = queue
  }

  /// Queues a job; it is answered once its work is committed, or undone.
  func add(_ job: SQLiteJob) {
    let isFirst = state.withLock { state in
      state.waiting.append(job)
      defer { state.isScheduled = true }
      return !state.isScheduled
    }
    guard isFirst else { return }
    queue.async { [self] connection in
      do {
        drain(try connection.get())
      } catch {
        while case let jobs = take(), !jobs.isEmpty {
          for job in jobs { job.answer(.failure(error)) }
        }
      }
    }
  }

  // MARK: On the queue

  /// Takes all jobs that wait; where there are none, the next one schedules the queue anew.
  private func take() -> [SQLiteJob] {
    state.withLock { state in
      defer { state.waiting = [] }
      state.isScheduled = !state.waiting.isEmpty
      return state.waiting
    }
  }

  private func drain(_ connection: SQLiteConnection) {
    while case let jobs = take(), !jobs.isEmpty {
      var rest = jobs[...]
      while let first = rest.first {
        if first.isGrouped {
          let group = rest.prefix { $0.isGrouped }
          rest = rest.dropFirst(runTogether(group, on: connection))
        } else {
          first.answer(Result { try runOutside(first, on: connection) })
          rest = rest.dropFirst()
        }
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
