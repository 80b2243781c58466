// Who listens: one small protocol, which an adapter for a log, for metrics or for traces fills in a few lines.

import Foundation
import Synchronization

/// Takes events to where they are wanted. See Documentation/Events.md for adapters to swift-log, swift-metrics and
/// OpenTelemetry.
///
/// `handle` is called on any thread, by several at once, and by the one that runs the call: it should be quick, must not
/// block, and must not call the agent.
public protocol AgentEventHandler: Sendable {
  /// Whether events of a kind are wanted. Asked once, when an agent or a database is opened: events that nobody wants
  /// are never made.
  func wants(_ kind: AgentEvent.Kind) -> Bool
  /// Takes an event.
  func handle(_ event: AgentEvent)
}

extension AgentEventHandler {
  /// All kinds are wanted.
  public func wants(_ kind: AgentEvent.Kind) -> Bool { true }
}

/// Passes every event on to several handlers.
public struct AgentEventHandlers: AgentEventHandler {
  private let handlers: [any AgentEventHandler]

  /// Passes events to these, in this order.
  public init(_ handlers: any AgentEventHandler...) { self.handlers = handlers }

  /// Whether one of them wants the kind.
  public func wants(_ kind: AgentEvent.Kind) -> Bool { handlers.contains { $0.wants(kind) } }

  /// Passes the event to those that want its kind.
  public func handle(_ event: AgentEvent) {
    for handler in handlers where handler.wants(event.kind) { handler.handle(event) }
  }
}

/// Writes deprecations to standard error, and nothing else: what is done with events unless it is told.
public struct DeprecationLog: AgentEventHandler {
  /// A log of deprecations.
  public init() {}
  /// Deprecations alone are wanted.
  public func wants(_ kind: AgentEvent.Kind) -> Bool { kind == .deprecation }
  /// Writes a line.
  public func handle(_ event: AgentEvent) { AgentEvent.logDeprecations(event) }
}

extension AgentEvent {
  /// Writes deprecations to standard error, and nothing else.
  @Sendable public static func logDeprecations(_ event: AgentEvent) {
    guard event.kind == .deprecation else { return }
    FileHandle.standardError.write(Data("AgentBase: \(event.message)\n".utf8))
  }
}

/// A closure that takes every event.
struct AgentEventClosure: AgentEventHandler {
  let body: @Sendable (AgentEvent) -> Void
  func handle(_ event: AgentEvent) { body(event) }
}

/// What is said once a process.
enum OnceAProcess {
  private static let saidSQLite = Mutex(false)

  /// Says that SQLite is deprecated, the first time that it is called in this process.
  static func sayThatSQLiteIsDeprecated(_ handler: (any AgentEventHandler)?) {
    let isFirst = saidSQLite.withLock { said in
      defer { said = true }
      return !said
    }
    guard isFirst, let handler, handler.wants(.deprecation) else { return }
    handler.handle(
      AgentEvent(
        .deprecation,
        "the SQLite backend is deprecated: move the agents' files to Postgres with `agentbase import`, "
          + "then use .postgres(url:) or AGENT_MEMORY_BACKEND=postgres"))
  }
}
