// Which answer of a pipeline belongs to which statement: pure bookkeeping, without libpq.

/// The commands of a pipeline in the order in which they were sent, and the answers that have come.
struct PipelineProgress {
  /// One command that was sent and will be answered.
  enum Command: Equatable {
    /// The preparation for the statement of that index.
    case prepare(Int)
    /// The statement of that index.
    case run(Int)
    /// The end of a transaction that was given up.
    case undo
    /// The end of a transaction.
    case sync
  }

  /// What has been learnt about one statement.
  enum Answer {
    case rows(ResultHandle)
    case refused(PostgresServerFields)
    /// An earlier command of its transaction was refused.
    case aborted
  }

  private var commands: [Command] = []
  private var next = 0
  private var isAnswered = false
  /// The answers by statement; `nil` where none has come.
  private(set) var answers: [Answer?]
  /// How many statements, from the first, are in transactions that the server has ended: only their answers are final.
  private(set) var settled = 0

  init(count: Int) { answers = Array(repeating: nil, count: count) }

  /// Whether commands wait for their answers.
  var isWaiting: Bool { next < commands.count }

  /// Notes a command that was sent.
  mutating func sent(_ command: Command) { commands.append(command) }

  /// Notes the answer to the oldest command. A preparation's success says nothing yet about its statement.
  mutating func received(_ answer: Answer) {
    guard isWaiting else { return }
    isAnswered = true
    switch (commands[next], answer) {
    case (.run(let index), _):
      // A refused preparation is the reason for which its statement is aborted.
      if answers[index] == nil { answers[index] = answer }
    case (.prepare, .rows), (.undo, _), (.sync, _): break
    case (.prepare(let index), _): answers[index] = answer
    }
  }

  /// The oldest command has been answered in full. Returns it; `nil` if nothing had come for it.
  mutating func completed() -> Command? {
    guard isWaiting, isAnswered, commands[next] != .sync else { return nil }
    return advance()
  }

  /// The server has reached the end of a transaction. Returns whether that was what had to come.
  mutating func synced() -> Bool {
    guard isWaiting, commands[next] == .sync else { return false }
    for command in commands[..<next].reversed() {
      guard case .run(let index) = command else { continue }
      settled = index + 1
      break
    }
    _ = advance()
    return true
  }

  private mutating func advance() -> Command {
    defer {
      next += 1
      isAnswered = false
    }
    return commands[next]
  }
}
