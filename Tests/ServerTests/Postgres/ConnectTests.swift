// How connections are made, and what is said when they cannot be.

import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

@Suite struct PostgresConnectTests {
  /// A port of this machine that takes connections and never says anything.
  private final class SilentPort: Sendable {
    let socket: Int32
    let port: UInt16

    init() throws { (socket, port) = try Loopback.listener() }

    deinit { close(socket) }
  }

  @Test func aMissingServerIsNamed() async throws {
    let configuration = try PostgresConfiguration("postgresql://u:opensesame@/db?host=/nonexistent")
    let error = try await Live.error { _ = try await PostgresConnection.connect(configuration) }
    #expect(error.code == .connectionFailed)
    #expect(error.isSafeToRetry)
    #expect(error.description.contains("/nonexistent/.s.PGSQL.5432"))
    #expect(!error.description.contains("\n"))
    #expect(!error.expandedDescription.contains("opensesame"))
  }

  @Test func aWrongPasswordIsNotShown() async throws {
    let server = try await TestServer.shared()
    let url = try await server.freshDatabase()
    let role = "r\(UUID().uuidString.prefix(8).lowercased())"
    try await server.createRole(role, password: "right")
    var configuration = try PostgresConfiguration(url)
    configuration["user"] = role
    configuration["password"] = "opensesame"
    let error = try await Live.error { [configuration] in
      _ = try await PostgresConnection.connect(configuration)
    }
    #expect(error.code == .connectionFailed)
    #expect(error.sqlState == .invalidPassword)
    #expect(!error.isSafeToRetry)
    #expect(!error.expandedDescription.contains("opensesame"))
    #expect(!"\(configuration)".contains("opensesame"))
    configuration["password"] = "right"
    let connection = try await PostgresConnection.connect(configuration)
    #expect(try await connection.query("SELECT current_user")[0].decode(0, as: String.self) == role)
    await connection.close()
    let missing = try await Live.error {
      _ = try await PostgresConnection.connect(try PostgresConfiguration(url).database("nowhere"))
    }
    #expect(missing.sqlState == .invalidCatalogName)
    #expect(!missing.isSafeToRetry)
  }

  @Test func theNextHostIsTriedWhereOneIsDeadOrSilent() async throws {
    let silent = try SilentPort()
    var configuration = try await Live.configuration()
    let host = try #require(configuration.host)
    let port = configuration.port ?? "5432"
    configuration["host"] = "/nonexistent,127.0.0.1,\(host)"
    configuration["port"] = "1,\(silent.port),\(port)"
    configuration["sslmode"] = "disable"
    configuration.connectTimeout = .seconds(3)
    let connection = try await PostgresConnection.connect(configuration)
    #expect(try await connection.query("SELECT 1").count == 1)
    await connection.close()
    configuration["host"] = "127.0.0.1"
    configuration["port"] = "\(silent.port)"
    configuration.connectTimeout = .milliseconds(100)
    let error = try await Live.error { [configuration] in
      _ = try await PostgresConnection.connect(configuration)
    }
    #expect(error.code == .timedOut)
  }

  @Test func connectingCanBeCancelled() async throws {
    let silent = try SilentPort()
    var configuration = try PostgresConfiguration("host=127.0.0.1 port=\(silent.port) user=u dbname=d")
    configuration.connectTimeout = .seconds(600)
    let task = Task { [configuration] in try await PostgresConnection.connect(configuration) }
    try await Task.sleep(for: .milliseconds(100))
    task.cancel()
    let error = try await Live.error { _ = try await task.value }
    #expect(error.code == .cancelled)
  }

  @Test func closingWaitsForWhatIsUnderWay() async throws {
    let configuration = try await Live.configuration()
    let connection = try await PostgresConnection.connect(configuration)
    // The other one decides how long the query takes.
    let other = try await PostgresConnection.connect(configuration)
    try await other.execute("SELECT pg_advisory_lock(1)")
    let running = Task {
      try await connection.query("SELECT 7 FROM pg_advisory_lock(1)")[0].decode(0, as: Int.self)
    }
    let waits: PostgresStatement =
      "SELECT FROM pg_locks WHERE pid = \(connection.backendProcessID) AND locktype = 'advisory' AND NOT granted"
    try await until { try await !other.query(waits).isEmpty }
    let isClosed = Shared(false)
    let closing = Task {
      await connection.close()
      isClosed.withLock { $0 = true }
    }
    // Time for a close that does not wait to be seen.
    try await Task.sleep(for: .milliseconds(50))
    #expect(!isClosed.withLock { $0 })
    try await other.execute("SELECT pg_advisory_unlock(1)")
    #expect(try await running.value == 7)
    await closing.value
    await other.close()
    let error = try await Live.error { _ = try await connection.query("SELECT 1") }
    #expect(error.code == .connectionLost)
    #expect(error.isSafeToRetry)
  }
}
