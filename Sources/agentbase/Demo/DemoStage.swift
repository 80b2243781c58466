// Where the demo plays: a temporary folder with the legacy files, and a private server beside them.

internal import Foundation
internal import Postgres
internal import PrivateServer

/// The demo's folder and server.
struct DemoStage: Sendable {
  /// The folder of it all.
  let root: String
  let server: PrivateServer
  /// Whether folder and server stay.
  let keeps: Bool

  /// The database of the demo.
  private static let database = "demo"

  /// The agents' folder.
  var agents: String { root + "/agents" }
  /// The same files as they were made, which nothing touches.
  var pristine: String { root + "/as-made" }
  /// Where the rollback makes the files again.
  var restored: String { root + "/rolled-back" }
  /// The database's URL.
  var url: String { server.url(database: Self.database) }

  /// Makes the folder; where nothing is kept, a watchdog removes it with the server, however this process ends.
  init(keeps: Bool) throws {
    let name = "agentbase-demo-" + UUID().uuidString.prefix(8).lowercased()
    // The server's user has to reach its folder, links resolved.
    let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
    root = temporary.appending(path: name).path(percentEncoded: false)
    self.keeps = keeps
    let watchdog = keeps ? nil : try Watchdog()
    watchdog?.watch(root)
    server = PrivateServer(
      in: root + "/server", binaries: try .preferred(), settings: .init(isDurable: keeps), watchdog: watchdog)
    try FileManager.default.createDirectory(
      atPath: root, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
  }

  /// Starts the server with an empty database.
  func start() async throws {
    try await server.start()
    try await server.createDatabase(Self.database)
  }

  /// Runs the body with a connection of its own, as somebody with `psql` would come along.
  func withConnection<Value: Sendable>(
    _ body: (PostgresConnection) async throws -> Value
  ) async throws -> Value {
    let connection = try await PostgresConnection.connect(PostgresConfiguration(url))
    do {
      let value = try await body(connection)
      await connection.close()
      return value
    } catch {
      await connection.close()
      throw error
    }
  }

  /// Stops the server and removes the folder.
  func remove() async throws {
    try await server.remove()
    if FileManager.default.fileExists(atPath: root) { try FileManager.default.removeItem(atPath: root) }
  }

  /// What is left of the demo: nil where nothing is.
  var remains: String? {
    if let process = server.processIdentifier { return "the server's process \(process)" }
    return FileManager.default.fileExists(atPath: root) ? root : nil
  }
}
