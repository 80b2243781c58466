// The server that a benchmark runs on: a private one, or one that the user names; each measurement gets a database of its own.

internal import AgentBase
internal import Foundation
internal import Postgres
internal import PrivateServer

/// A server with scratch databases.
struct BenchServer: Sendable {
  /// Its version, in words: `PostgreSQL 18.0`.
  let version: String
  /// What libpq needs to find the server, for our own process and for others: `PGHOST` and its like. A password is only here.
  let environment: [String: String]
  /// Where `psql` is.
  let psql: String
  /// Where `pgbench` is.
  let pgbench: String

  private let configuration: PostgresConfiguration
  private let own: PrivateServer?
  private let processes: ServerProcesses?
  /// What the scratch databases' names begin with.
  private let prefix = "agentbase_bench_\(UInt32.random(in: 0...UInt32.max))"

  /// Starts a private server in a folder.
  ///
  /// - Parameter watchdog: ends it and removes the folder if this process is killed.
  static func start(in folder: String, watchdog: Watchdog) async throws -> BenchServer {
    // Durable, as a user's server is; no checkpoint and no vacuum comes in the middle of a measurement.
    let settings = PrivateServer.Settings(
      isDurable: true,
      parameters: [
        "shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "1h", "autovacuum": "off",
      ])
    let server = PrivateServer(
      in: folder, binaries: try .preferred(), settings: settings, watchdog: watchdog)
    try await server.start()
    return try await BenchServer(PostgresConfiguration(server.url()), own: server)
  }

  /// A server of the user's, whose role may create databases; nothing in the database that the URL names is touched.
  init(_ configuration: PostgresConfiguration) async throws { try await self.init(configuration, own: nil) }

  private init(_ configuration: PostgresConfiguration, own: PrivateServer?) async throws {
    self.configuration = configuration
    self.own = own
    let binaries = try? own?.binaries ?? .preferred()
    psql = binaries?.program("psql") ?? "psql"
    pgbench =
      binaries.map { $0.program("pgbench") }.flatMap {
        FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil
      } ?? "pgbench"
    var environment = ["PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "agentbase bench"]
    for (keyword, variable) in Self.variables { environment[variable] = configuration[keyword] }
    self.environment = environment
    let connection = try await PostgresConnection.connect(configuration)
    do {
      let row = try await connection.queryOne(
        """
        SELECT split_part(version(), ' (', 1), pg_backend_pid(), inet_server_addr() IS NULL,
          (SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user)
        """)
      guard let row, try row.decode(3, as: Bool?.self) ?? false else {
        throw Failure(
          "the role of --postgres-url may not create databases: each measurement needs a new one",
          advice: "ALTER ROLE … CREATEDB, or leave --postgres-url out for a private server")
      }
      version = try row.decode(0, as: String.self).split(separator: " ").prefix(2).joined(separator: " ")
      // A backend's number means something here only where it is reached by a socket of this machine.
      let isHere = try row.decode(2, as: Bool.self)
      processes = isHere ? ServerProcesses(backend: try row.decode(1, as: Int32.self)) : nil
      await connection.close()
    } catch {
      await connection.close()
      throw error
    }
  }

  private static let variables = [
    "host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
    "passfile": "PGPASSFILE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY", "service": "PGSERVICE",
  ]

  /// The user, host and port, as pgloader's URLs need them.
  var user: String { configuration.user ?? "" }
  var host: String? { configuration.host }
  var port: String { configuration.port ?? "5432" }

  /// What a library needs to connect to a database of this server. It may hold a password: it is never printed.
  func connectionString(to database: String) -> String {
    var parameters = ["dbname": database]
    for keyword in Self.variables.keys { parameters[keyword] = configuration[keyword] }
    return parameters.sorted { $0.key < $1.key }.map { keyword, value in
      "\(keyword)='\(value.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
    }.joined(separator: " ")
  }

  // MARK: - Databases

  /// Makes an empty scratch database, and our tables in it where they are wanted.
  func makeDatabase(_ name: String, withSchema: Bool) async throws -> String {
    let database = "\(prefix)_\(name)"
    try await drop(database)
    try await execute("CREATE DATABASE \(identifier: database) TEMPLATE template0 ENCODING 'UTF8'")
    if withSchema {
      try await withConnection(to: database) { _ = try await PostgresSchemaInstaller.library.install(on: $0) }
    }
    return database
  }

  /// Removes a scratch database, though a process of this user be connected to it.
  ///
  /// Not WITH (FORCE), which is refused to a user of few rights while autovacuum is at work there; without it, autovacuum is sent
  /// away.
  func drop(_ database: String) async throws {
    try await execute(
      """
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = \(database) AND usename = current_user
      """)
    try await execute("DROP DATABASE IF EXISTS \(identifier: database)")
  }

  /// Removes the server, or what this run has made on the user's.
  func remove() async throws {
    if let own { return try await own.remove() }
    let databases = try await withConnection(to: nil) { connection in
      try await connection.query(
        "SELECT datname::text FROM pg_database WHERE starts_with(datname, \(prefix))"
      ).map { try $0.decode(0, as: String.self) }
    }
    for database in databases { try await drop(database) }
  }

  /// Writes out what earlier measurements have left in the server's memory, where the role may.
  func checkpoint() async { try? await execute("CHECKPOINT") }

  /// Seconds of processor time of the server so far; nil where it is on another machine.
  var cpuSeconds: Double? { processes?.cpuSeconds }

  // MARK: - Connections

  /// Runs the body with a connection to a database; nil for the one that the URL names.
  func withConnection<Value: Sendable>(
    to database: String?, _ body: (PostgresConnection) async throws -> Value
  ) async throws -> Value {
    let connection = try await PostgresConnection.connect(
      database.map { configuration.database($0) } ?? configuration)
    do {
      let value = try await body(connection)
      await connection.close()
      return value
    } catch {
      await connection.close()
      throw error
    }
  }

  private func execute(_ statement: PostgresStatement) async throws {
    try await withConnection(to: nil) { _ = try await $0.execute(statement) }
  }
}
