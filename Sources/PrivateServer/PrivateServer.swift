// A private PostgreSQL server in a folder of its own, for trying out, for the demonstration and for tests.

import Foundation

/// A PostgreSQL server that lives in one folder and listens on a Unix socket there, and nowhere else.
///
/// The value only names the folder: what the server is doing is always read from the folder, so that several
/// programs can speak of one server. The socket's folder lets in nobody but the server's user and root, which
/// is why no password is asked unless the settings' access rules say so.
///
/// Where the program runs as root, the server runs as the user `postgres`.
public struct PrivateServer: Sendable {
  /// The superuser's name, as which ``url(database:)`` connects.
  public static let superuser = "postgres"

  /// The folder, as an absolute path.
  public var directory: String { folder.path }
  /// The programs that run it.
  public let binaries: PostgresBinaries
  /// How it runs; read at each start.
  public var settings: Settings
  /// Ends the server and removes its folder when this program dies, where there is one.
  public var watchdog: Watchdog?

  private let folder: ServerFolder

  /// Names a folder and the programs to run in it; touches nothing.
  public init(
    in directory: String, binaries: PostgresBinaries, settings: Settings = Settings(),
    watchdog: Watchdog? = nil
  ) {
    folder = ServerFolder(path: URL(filePath: directory).standardizedFileURL.path)
    self.binaries = binaries
    self.settings = settings
    self.watchdog = watchdog
  }

  /// How to stop a server.
  public enum StopMode: String, Sendable {
    /// Waits until every client has gone.
    case smart
    /// Rolls back what is under way and shuts down cleanly.
    case fast
    /// Ends at once, as a crash would; the next start recovers.
    case immediate
  }

  // MARK: State

  /// The server's process; nil where it is not running.
  public var processIdentifier: Int32? { folder.processIdentifier }

  /// Whether the server's process is there.
  public var isRunning: Bool { processIdentifier != nil }

  /// The folder that holds the socket: what libpq calls `host`.
  public var socketDirectory: String { folder.socketDirectory }

  /// The file that the server writes its log to.
  public var logFile: String { folder.log }

  /// The connection URL of a database, for libpq and everything that is built on it.
  ///
  /// Good from the first ``start()`` on: where the folder's path is too long for a socket, the socket gets a
  /// folder elsewhere then.
  public func url(database: String = "postgres", user: String = PrivateServer.superuser) -> String {
    "postgresql:///\(percentEncoded(database))?host=\(percentEncoded(socketDirectory))"
      + "&user=\(percentEncoded(user))"
      + (settings.parameters["port"].map { "&port=\(percentEncoded($0))" } ?? "")
  }

  // MARK: Starting and stopping

  /// Starts the server and waits until it accepts connections; makes its data first where there are none.
  ///
  /// Does nothing where it is running already. Throws ``PrivateServerError``.
  public func start() async throws(PrivateServerError) {
    let account = try ServerAccount.current()
    watchdog?.watch(folder.path)
    try await folder.prepare(for: account)
    if isRunning { return }
    try await account?.checkReach(of: binaries.directory)
    if !folder.holdsData { try await makeData(as: account) }
    guard folder.dataVersion == binaries.version else {
      throw .wrongVersion(
        directory: folder.path, data: folder.dataVersion ?? 0, binaries: binaries.version)
    }
    if let outside = try folder.prepareSocket(for: account) { watchdog?.watch(outside) }
    try folder.write(
      settings.configuration(socketDirectory: folder.socketDirectory), to: folder.configuration,
      for: account)
    try folder.write(settings.accessRules + "\n", to: "\(folder.data)/pg_hba.conf", for: account)
    do {
      try await control(["start", "--log=\(folder.log)"], as: account)
    } catch .commandFailed(let program, let status, _) {
      // pg_ctl itself only says "examine the log output".
      throw .commandFailed(program: program, status: status, output: folder.endOfLog())
    }
  }

  /// Stops the server and waits until it has ended, two minutes at most; does nothing where it is not running.
  public func stop(_ mode: StopMode = .fast) async throws(PrivateServerError) {
    guard isRunning else { return }
    do {
      try await control(["stop", "--mode=\(mode.rawValue)"], as: try ServerAccount.current())
    } catch {
      // It may have ended by itself between the two.
      if isRunning { throw error }
    }
  }

  /// Stops the server, and starts it again with the settings as they are now.
  public func restart(_ mode: StopMode = .fast) async throws(PrivateServerError) {
    try await stop(mode)
    try await start()
  }

  /// Stops the server at once and removes its folder.
  public func remove() async throws(PrivateServerError) {
    try await stop(.immediate)
    try folder.remove()
  }

  /// Makes an empty database on the running server.
  ///
  /// Throws ``PrivateServerError/commandFailed(program:status:output:)`` with the server's words, for example
  /// where the database exists.
  public func createDatabase(_ name: String) async throws(PrivateServerError) {
    try await ChildProcess.check(
      [
        binaries.program("createdb"), "--host=\(folder.socketDirectory)",
        "--port=\(settings.parameters["port"] ?? "5432")",
        "--username=\(Self.superuser)", "--maintenance-db=postgres", "--", name,
      ], program: "createdb")
  }

  /// Runs SQL with `psql`, the program that users know, and answers its rows as `psql -At` prints them.
  ///
  /// Throws ``PrivateServerError/commandFailed(program:status:output:)`` with the server's words.
  @discardableResult
  public func psql(
    _ sql: String, database: String = "postgres", user: String = PrivateServer.superuser
  ) async throws(PrivateServerError) -> String {
    try await ChildProcess.check(
      [
        binaries.program("psql"), "--no-psqlrc", "--quiet", "--no-align", "--tuples-only",
        "--set=ON_ERROR_STOP=1", "--no-password", "--command=\(sql)", url(database: database, user: user),
      ], program: "psql")
  }

  // MARK: Its programs

  private func control(
    _ arguments: [String], as account: ServerAccount?
  ) async throws(PrivateServerError) {
    let command =
      [binaries.program("pg_ctl")] + arguments
      + ["--pgdata=\(folder.data)", "--wait", "--timeout=120", "--silent"]
    try await ChildProcess.check(account?.running(command) ?? command, program: "pg_ctl")
  }

  /// Runs `initdb` beside the final place and moves its work there when it is complete.
  private func makeData(as account: ServerAccount?) async throws(PrivateServerError) {
    var command = [
      binaries.program("initdb"), "--pgdata=\(folder.dataInMaking)", "--username=\(Self.superuser)",
      "--encoding=UTF8", "--auth=trust", "--no-instructions",
    ]
    // Order by code point; letters of every language. The server's own locale provider came with 17.
    command +=
      binaries.version >= 17
      ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
      : ["--locale=C", "--lc-ctype=C.UTF-8"]
    if !settings.isDurable { command.append("--no-sync") }
    try await ChildProcess.check(account?.running(command) ?? command, program: "initdb")
    do {
      let main = URL(filePath: "\(folder.dataInMaking)/postgresql.conf")
      let handle = try FileHandle(forWritingTo: main)
      try handle.seekToEnd()
      try handle.write(contentsOf: Data("\ninclude = 'agentbase.conf'\n".utf8))
      try handle.close()
      try FileManager.default.moveItem(atPath: folder.dataInMaking, toPath: folder.data)
    } catch {
      throw .fileFailed(path: folder.data, reason: error.localizedDescription)
    }
  }

  private func percentEncoded(_ text: String) -> String {
    let plain = CharacterSet(
      charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
    return text.addingPercentEncoding(withAllowedCharacters: plain) ?? text
  }
}
