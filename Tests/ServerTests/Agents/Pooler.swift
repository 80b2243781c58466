// pgbouncer in front of the tests' server: in transaction mode, where a client has a session for a transaction only.

import Foundation
import Glibc
import Postgres
import PrivateServer
import Synchronization
import TestSupport

/// A private pgbouncer that lives as long as the test process.
struct Pooler: Sendable {
  /// Where the program is; nil where it is not installed.
  static let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// Whether the tests run through it: where it is installed, or has to be.
  static let isTested =
    program != nil || ProcessInfo.processInfo.environment["AGENTBASE_REQUIRE_ALL_SERVERS"] == "1"

  /// The folder of its socket, and its port.
  let folder: String
  static let port = 6432

  /// The one of PostgreSQL 18.
  static func shared() async throws -> Pooler {
    let start = sharedStart.withLock { start in
      if let start { return start }
      let new = Task { try await Pooler.started(in: try await TestServer.shared(.v18).server) }
      start = new
      return new
    }
    return try await start.value
  }

  private static let sharedStart = Mutex<Task<Pooler, any Error>?>(nil)

  /// The URL by which a database of the server is reached through the pooler.
  func url(of database: String) throws -> String {
    let name = try PostgresConfiguration(database).database ?? "postgres"
    return "postgresql:///\(name)?host=\(folder)&port=\(Self.port)&user=\(PrivateServer.superuser)"
  }

  // MARK: - Starting

  /// Few sessions for many clients: whose transaction is whose changes all the time.
  static func started(in server: PrivateServer, sessions: Int = 5) async throws -> Pooler {
    guard let program else { throw MissingPooler() }
    // Short, for the socket's path, and open to the user that it runs as.
    let folder = "/tmp/agentbase-pooler-\(UInt32.random(in: 0...UInt32.max))"
    try TestProcess.watchdog.watch(folder)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
    _ = chmod(folder, 0o777)
    let settings = """
      [databases]
      * = host=\(server.socketDirectory) port=\(server.settings.parameters["port"] ?? "5432") user=\(PrivateServer.superuser)
      [pgbouncer]
      pool_mode = transaction
      auth_type = any
      listen_addr =
      listen_port = \(port)
      unix_socket_dir = \(folder)
      default_pool_size = \(sessions)
      max_client_conn = 500
      logfile = \(folder)/log
      pidfile = \(folder)/pid
      """
    let file = folder + "/pgbouncer.ini"
    try settings.write(toFile: file, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = URL(filePath: program)
    // It refuses to run as root. The watchdog ends it.
    process.arguments = ["--quiet"] + (geteuid() == 0 ? ["--user=postgres"] : []) + [file]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let pooler = Pooler(folder: folder)
    // Its socket is there a moment before it listens.
    let target = try PostgresConfiguration(pooler.url(of: server.url()))
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      do {
        try await PostgresConnection.connect(target).close()
        break
      } catch {
        guard ContinuousClock.now < deadline else { throw error }
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    return pooler
  }
}

struct MissingPooler: Error, CustomStringConvertible {
  var description: String { "no pgbouncer: run Scripts/setup" }
}
