// Databases of applications for tests: the same code on SQLite and on each version of Postgres.

import AgentBase
import Foundation
import Synchronization
import TestSupport

/// The backends that every case runs on.
enum DatabaseScene {
  static let backends = TestBackend.all.filter { $0 == .sqliteNew || $0.version != nil }

  /// Runs the body with a database and the name of a table that no other test has.
  static func with(
    _ backend: TestBackend, connections: ConnectionSettings = ConnectionSettings(),
    slowQueryLimit: Duration? = .seconds(1), handler: EventLog? = nil,
    _ body: (Database, String) async throws -> Void
  ) async throws {
    try await backend.withPlace { place in
      var configuration = DatabaseConfiguration(name: "app", place.backend)
      configuration.connections = connections
      configuration.connections.preparesStatements = place.preparesStatements
      configuration.slowQueryLimit = slowQueryLimit
      configuration.eventHandler = handler
      let database = try await Database(configuration)
      let table = "t_\(UUID().uuidString.prefix(8).lowercased())"
      do {
        try await body(database, table)
      } catch {
        await database.close()
        throw error
      }
      await database.close()
    }
  }
}

/// Keeps the events that it is told.
final class EventLog: AgentEventHandler {
  private let events = Mutex<[AgentEvent]>([])
  private let wanted: Set<AgentEvent.Kind>?

  init(_ wanted: Set<AgentEvent.Kind>? = nil) { self.wanted = wanted }
  func wants(_ kind: AgentEvent.Kind) -> Bool { wanted?.contains(kind) ?? true }
  func handle(_ event: AgentEvent) { events.withLock { $0.append(event) } }
  var all: [AgentEvent] { events.withLock { $0 } }
  func of(_ kind: AgentEvent.Kind) -> [AgentEvent] { all.filter { $0.kind == kind } }
}
