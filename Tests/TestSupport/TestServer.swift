// Private PostgreSQL servers for tests.

import Foundation
public import PrivateServer
import Synchronization

/// A private server that lives as long as the test process.
///
/// It is fast and not durable: `fsync` is off. A role that is made a member of `password_required` must give
/// its password; everybody else is let in without.
public struct TestServer: Sendable {
  /// Which of the installed servers.
  public let version: Version
  /// The server: for its URL, to stop it, to restart it, to ask it by `psql`.
  public var server: PrivateServer

  // MARK: Servers

  /// The one server of this version that all tests share; it starts when it is first asked for.
  ///
  /// Never stop it: ask for a ``dedicated(_:settings:)`` one.
  public static func shared(_ version: Version = .v15) async throws -> TestServer {
    let start = sharedServers.withLock { servers in
      if let start = servers[version] { return start }
      let start = Task { try await dedicated(version) }
      servers[version] = start
      return start
    }
    return try await start.value
  }

  private static let sharedServers = Mutex<[Version: Task<TestServer, any Error>]>([:])

  /// A server of the test's own, which may be stopped, killed and restarted.
  ///
  /// Stop it with `server.remove()` when the test is over; the process's end does so in any case.
  ///
  /// - Parameter parent: the folder that its folder is made in; the test process's own where it is nil.
  public static func dedicated(
    _ version: Version = .v15, in parent: String? = nil, settings: PrivateServer.Settings = .forTests
  ) async throws -> TestServer {
    guard let binaries = version.binaries else { throw MissingServer(version: version) }
    let server = PrivateServer(
      in: try parent.map { "\($0)/server" } ?? TestProcess.newPath("server-\(version)"), binaries: binaries,
      settings: settings,
      watchdog: try TestProcess.watchdog)
    try await server.start()
    return TestServer(version: version, server: server)
  }

  // MARK: Databases and roles

  /// The URL of a new, empty database on the shared server of this version.
  public static func freshDatabase(_ version: Version = .v15) async throws -> String {
    try await shared(version).freshDatabase()
  }

  /// The URL of a new, empty database on this server.
  public func freshDatabase() async throws -> String {
    let name = "test_\(UUID().uuidString.prefix(12).lowercased().replacing("-", with: "_"))"
    try await server.createDatabase(name)
    return server.url(database: name)
  }

  /// Waits until the server takes connections: one that has crashed recovers first, by itself.
  public func untilReady() async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      do {
        try await server.psql("SELECT 1")
        return
      } catch {
        guard ContinuousClock.now < deadline else { throw error }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
  }

  /// Makes a role that must give its password to connect.
  public func createRole(_ name: String, password: String) async throws {
    let quoted = "\"\(name.replacing("\"", with: "\"\""))\""
    let literal = "'\(password.replacing("'", with: "''"))'"
    try await server.psql(
      """
      DO $$ BEGIN CREATE ROLE password_required;
      EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
      CREATE ROLE \(quoted) LOGIN PASSWORD \(literal) IN ROLE password_required
      """)
  }
}

/// A test asked for a server that is not installed.
public struct MissingServer: Error, CustomStringConvertible {
  /// Which one.
  public let version: TestServer.Version

  /// What is missing and how to get it.
  public var description: String { version.missing }
}

extension PrivateServer.Settings {
  /// Small and fast, with room for many connections.
  public static let forTests = PrivateServer.Settings(
    isDurable: false,
    parameters: ["max_connections": "300", "shared_buffers": "32MB", "log_checkpoints": "off"],
    accessRules: """
      local all +password_required scram-sha-256
      local all all trust
      """)
}
