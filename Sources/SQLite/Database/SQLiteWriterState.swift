// Whose turn it is on the writer: the rules, free of threads and connections.

/// The jobs that wait for the writer, and the transactions that it is lent to.
///
/// While it is lent, only jobs of the innermost open transaction have a turn. The others wait.
struct SQLiteWriterState {
  /// What is to be done next.
  enum Turn {
    /// Jobs that are nobody's; they may share a commit.
    case group([SQLiteJob])
    /// A job that begins a transaction, or one of the innermost open transaction.
    case lent(SQLiteJob)
  }

  /// An open transaction, or one that is nested in it.
  private struct Scope {
    let number: Int
    var waiting: [SQLiteJob] = []
  }

  private var waiting: [SQLiteJob] = []
  /// The transactions that are open, each nested in the one before it.
  private var scopes: [Scope] = []
  private var lastScope = 0
  private var isScheduled = false

  /// Whether a transaction of a caller's own is open.
  var isLent: Bool { !scopes.isEmpty }
  /// Whether the open transaction has one nested in it.
  var isNested: Bool { scopes.count > 1 }

  /// A number for a transaction that is going to begin.
  mutating func newScope() -> Int {
    lastScope += 1
    return lastScope
  }

  /// Queues a job, within a transaction or outside of all.
  ///
  /// - Returns: nil where that transaction has ended; else whether the queue is to be started.
  mutating func add(_ job: SQLiteJob, within scope: Int?) -> Bool? {
    if let scope {
      guard let place = scopes.firstIndex(where: { $0.number == scope }) else { return nil }
      scopes[place].waiting.append(job)
    } else {
      waiting.append(job)
    }
    guard !isScheduled, hasTurn else { return false }
    isScheduled = true
    return true
  }

  private var hasTurn: Bool { scopes.last.map { !$0.waiting.isEmpty } ?? !waiting.isEmpty }

  /// Takes what is to be done next; where there is nothing, the next job starts the queue anew.
  ///
  /// - Parameter staying: whether the queue goes on looking for jobs although there is none.
  mutating func take(staying: Bool = false) -> Turn? {
    isScheduled = hasTurn || staying
    guard hasTurn else { return nil }
    if let innermost = scopes.indices.last { return .lent(scopes[innermost].waiting.removeFirst()) }
    if case .begin = waiting[0].role { return .lent(waiting.removeFirst()) }
    let group = waiting.prefix { job in if case .begin = job.role { false } else { true } }
    waiting.removeFirst(group.count)
    return .group(Array(group))
  }

  /// Takes every job that waits.
  mutating func takeAll() -> [SQLiteJob] {
    defer {
      waiting = []
      scopes = []
      isScheduled = false
    }
    return waiting + scopes.flatMap(\.waiting)
  }

  /// Notes that a transaction has begun, in the innermost one or outside of all.
  ///
  /// - Returns: the jobs that now wait for its end.
  mutating func opened(_ scope: Int) -> [SQLiteJob] {
    scopes.append(Scope(number: scope))
    return scopes.count == 1 ? waiting : []
  }

  /// Notes that the innermost transaction has ended.
  ///
  /// - Returns: its jobs that came too late.
  mutating func closed() -> [SQLiteJob] { scopes.popLast()?.waiting ?? [] }

  /// Takes a job out that waits for the end of a transaction.
  ///
  /// - Returns: whether it still waited.
  mutating func giveUp(_ job: SQLiteJob) -> Bool {
    guard isLent, let place = waiting.firstIndex(where: { $0 === job }) else { return false }
    waiting.remove(at: place)
    return true
  }
}
