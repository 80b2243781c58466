// What the drivers have to say, in the library's events.

import Postgres
import SQLite

/// From the events of a pool and of a SQLite file to those of the library.
struct DriverEvents: Sendable {
  let handler: any AgentEventHandler
  let database: String?
  let slowQueryLimit: Duration?

  /// Nil where the handler wants none of them.
  init?(_ handler: (any AgentEventHandler)?, database: String? = nil, slowQueryLimit: Duration?) {
    guard let handler,
      [.slowQuery, .retry, .poolWait, .connection].contains(where: { handler.wants($0) })
    else { return nil }
    self.handler = handler
    self.database = database
    self.slowQueryLimit = handler.wants(.slowQuery) ? slowQueryLimit : nil
  }

  /// Takes the events of a pool of Postgres.
  var postgres: PostgresObserver {
    PostgresObserver(slowLimit: slowQueryLimit) { event in
      switch event {
      case .slow(let sql, let duration): say(slow: sql, duration)
      case .waited(let duration, let metrics):
        say(
          AgentEvent(
            .poolWait,
            "a call has waited \(Int(duration.milliseconds)) ms for a connection: \(metrics.inUse) of at most "
              + "\(metrics.maximum) are in use, \(metrics.waiting) calls wait"), duration)
      case .retries(let error, let attempt):
        say(
          AgentEvent(
            .retry, "attempt \(attempt) failed and is repeated: \(error.description.firstLine)",
            count: attempt), failure: AgentBaseError(error).code)
      case .openFailed(let error):
        say(
          AgentEvent(.connection, "a connection could not be opened: \(error.description.firstLine)"),
          failure: AgentBaseError(error).code)
      }
    }
  }

  /// Takes the slow statements of a SQLite file; nil where they are not wanted.
  var sqlite: SQLiteObserver? {
    slowQueryLimit.map { SQLiteObserver(slowLimit: $0) { sql, duration in say(slow: sql, duration) } }
  }

  private func say(slow sql: String, _ duration: Duration) {
    var event = AgentEvent(.slowQuery)
    event.sql = SQLLiterals.hidden(in: sql)
    say(event, duration)
  }

  private func say(
    _ event: AgentEvent, _ duration: Duration? = nil, failure: AgentBaseError.Code? = nil
  ) {
    guard handler.wants(event.kind) else { return }
    var event = event
    event.database = database
    event.duration = duration
    event.failure = failure
    handler.handle(event)
  }
}

extension String {
  /// Without what follows the first line.
  fileprivate var firstLine: String { String(prefix { $0 != "\n" }) }
}
