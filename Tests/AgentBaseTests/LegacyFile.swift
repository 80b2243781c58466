// A legacy file for one test, and plain SQL on it, as the agent that made it would use it.

import AgentBase
import Foundation
import SQLite
import TestSupport

/// A SQLite file in a folder that goes with the value.
final class LegacyFile {
  let path: String
  private let folder: TemporaryFolder

  /// Makes a file by SQL.
  init(_ sql: String) throws {
    folder = try TemporaryFolder("legacy")
    path = try folder.file("memory.db")
    try SQLiteConnection(path: path).executeScript(sql)
  }

  /// Runs the body with an agent on the file.
  func withAgent(
    _ id: String = "crawler", zone: TimeZone = .gmt, _ body: (Agent) async throws -> Void
  ) async throws {
    var config = AgentConfig(name: id, memoryBackend: .sqliteFile(path))
    config.legacyTimeZone = zone
    config.eventHandler = nil
    let agent = try await Agent(config)
    do {
      try await body(agent)
    } catch {
      await agent.close()
      throw error
    }
    await agent.close()
  }

  /// Rows by a connection that knows nothing of the library.
  func rows(_ sql: String) throws -> [[SQLiteValue]] {
    try SQLiteConnection(path: path, access: .readOnly).query(sql).map(\.values)
  }

  /// Runs SQL as the old agent would.
  func execute(_ sql: String) throws { try SQLiteConnection(path: path).executeScript(sql) }

  /// The names of the file's tables.
  func tables() throws -> [String] {
    try rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").compactMap { $0[0].string }
  }
}
