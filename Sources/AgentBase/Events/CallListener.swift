// The one place that times calls: agents and databases make their events here.

/// Whoever wants to hear of calls, and whose calls they are. Where nobody wants to, there is none, and a call costs nothing.
struct CallListener: Sendable {
  private let handler: any AgentEventHandler
  private let agent: String?
  private let database: String?

  /// Nil where the handler does not want calls.
  init?(_ handler: (any AgentEventHandler)?, agent: String? = nil, database: String? = nil) {
    guard let handler, handler.wants(.call) else { return nil }
    self.handler = handler
    self.agent = agent
    self.database = database
  }

  /// Says that a call has ended.
  ///
  /// - Parameter function: the verb, as `#function` names it; what follows its name is cut off.
  func ended(_ function: StaticString, after duration: Duration, _ error: (any Error)? = nil) {
    let failure = error.map(Self.code)
    let isFault = failure != nil && failure != .cancelled
    var event = AgentEvent(.call, level: isFault ? .warning : .debug)
    event.agent = agent
    event.database = database
    event.operation = Self.name(of: function)
    event.duration = duration
    event.failure = failure
    handler.handle(event)
  }

  private static func name(of function: StaticString) -> String {
    String("\(function)".prefix { $0 != "(" })
  }

  private static func code(of error: any Error) -> AgentBaseError.Code {
    switch error {
    case let error as AgentBaseError: error.code
    case is CancellationError: .cancelled
    default: .other
    }
  }
}

extension AgentBaseError.Code {
  /// In events alone: the task of a call was cancelled.
  public static let cancelled = AgentBaseError.Code(rawValue: "cancelled")
  /// In events alone: a body of the caller's own threw its error.
  public static let other = AgentBaseError.Code(rawValue: "other")
}
