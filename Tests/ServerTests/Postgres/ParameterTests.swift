// libpq's connection parameters: each reaches the server or the client's own rules, as with psql.

import AgentBase
import Foundation
import Glibc
import Postgres
import PrivateServer
import TestSupport
import Testing

@Suite struct PostgresParameterTests {
  private func answer(_ sql: String, _ configuration: PostgresConfiguration) async throws -> String {
    let connection = try await PostgresConnection.connect(configuration)
    let answer = try await connection.query(PostgresStatement(sql: sql))[0].decode(0, as: String.self)
    await connection.close()
    return answer
  }

  // MARK: The session

  @Test(arguments: TestServer.versions)
  func optionsAndNamesReachTheSession(version: TestServer.Version) async throws {
    let url = try await TestServer.freshDatabase(version)
    let configuration = try PostgresConfiguration(
      url + "&application_name=crawler%207&options=-csearch_path%3Dagents%20-c%20statement_timeout%3D70s")
    #expect(try await answer("SELECT current_setting('application_name')", configuration) == "crawler 7")
    #expect(try await answer("SELECT current_setting('search_path')", configuration) == "agents")
    #expect(try await answer("SELECT current_setting('statement_timeout')", configuration) == "70s")
    // What a pool resets for the next user is what the options say, not the server's default.
    let pool = PostgresPool(configuration, configuration: PostgresPoolConfiguration(maximumSize: 1))
    try await pool.execute("SET search_path = elsewhere")
    let row = try #require(try await pool.queryOne("SELECT current_setting('search_path')"))
    #expect(try row.decode(0, as: String.self) == "agents")
    await pool.close()
  }

  @Test func anUnknownOptionIsNamed() async throws {
    let url = try await TestServer.freshDatabase()
    let configuration = try PostgresConfiguration(url + "&options=-cno_such_setting%3D1")
    let error = try await Live.error { _ = try await PostgresConnection.connect(configuration) }
    #expect(error.description.contains("no_such_setting"), "\(error)")
    #expect(!error.isSafeToRetry)
  }

  // MARK: Passwords

  @Test func thePasswordComesFromTheFile() async throws {
    let server = try await TestServer.shared()
    let url = try await server.freshDatabase()
    let role = "r\(UUID().uuidString.prefix(8).lowercased())"
    try await server.createRole(role, password: "open:se\\same")
    let folder = try TemporaryFolder()
    let file = try folder.file("passwords")
    try "# comment\n*:*:*:\(role):open\\:se\\\\same\n".write(toFile: file, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
    var configuration = try PostgresConfiguration(url)
    configuration["user"] = role
    configuration["passfile"] = file
    #expect(try await answer("SELECT current_user::text", configuration) == role)

    try "*:*:*:\(role):another\n".write(toFile: file, atomically: false, encoding: .utf8)
    let error = try await Live.error { [configuration] in
      _ = try await PostgresConnection.connect(configuration)
    }
    #expect(error.sqlState == .invalidPassword)
    #expect(error.description.contains(file), "\(error)")
    #expect(!error.expandedDescription.contains("another"))
  }

  // MARK: Several hosts

  @Test func theServerThatIsAskedForIsFoundAmongSeveral() async throws {
    let writable = try await TestServer.shared().server
    var settings = PrivateServer.Settings.forTests
    settings.parameters["default_transaction_read_only"] = "on"
    let readOnly = try await TestServer.dedicated(settings: settings)
    let hosts = "host=/nonexistent,\(readOnly.server.socketDirectory),\(writable.socketDirectory)"
    let place = "SELECT current_setting('unix_socket_directories')"
    for (wanted, expected) in [
      ("any", readOnly.server.socketDirectory), ("read-write", writable.socketDirectory),
      ("read-only", readOnly.server.socketDirectory), ("primary", readOnly.server.socketDirectory),
      ("prefer-standby", readOnly.server.socketDirectory),
    ] {
      let configuration = try PostgresConfiguration(
        "\(hosts) user=postgres dbname=postgres target_session_attrs=\(wanted)")
      #expect(try await answer(place, configuration) == expected, "\(wanted)")
    }
    let standby = try PostgresConfiguration("\(hosts) user=postgres target_session_attrs=standby")
    let error = try await Live.error { _ = try await PostgresConnection.connect(standby) }
    #expect(error.code == .connectionFailed)
    #expect(error.description.contains("server is not in hot standby mode"), "\(error)")
    try await readOnly.server.remove()
  }

  @Test func theTimeLimitOfTheConnectionStringCounts() async throws {
    let (socket, port) = try Loopback.listener()
    let configuration = try PostgresConfiguration(
      "host=127.0.0.1 port=\(port) user=u sslmode=disable connect_timeout=1")
    let error = try await Live.error { _ = try await PostgresConnection.connect(configuration) }
    #expect(error.code == .timedOut)
    #expect(error.description.contains("within 1.0 seconds"), "\(error)")
    close(socket)
  }

  // MARK: The service file and the environment

  /// In a process of its own: the environment belongs to the whole process.
  @Test func servicesAndTheEnvironmentCount() async throws {
    let database = try await ServerDatabase()
    let target = try PostgresConfiguration(database.url)
    let folder = try TemporaryFolder()
    let file = try folder.file("services")
    try """
    [agents]
    host=\(try #require(target.host))
    dbname=\(try #require(target.database))
    user=\(try #require(target.user))

    [silent]
    host=127.0.0.1
    user=u
    sslmode=disable
    connect_timeout=1

    """.write(toFile: file, atomically: true, encoding: .utf8)
    for url in ["service=agents", "postgresql:///?service=agents"] {
      let run = try await Command.run(
        ["doctor", "--postgres-url", url, "--json"], in: folder.path, environment: ["PGSERVICEFILE": file])
      #expect(try run.json()["healthy"] == true, "\(run.errors)")
    }
    let missing = try await Command.run(
      ["doctor", "--postgres-url", "service=elsewhere", "--json"], in: folder.path,
      environment: ["PGSERVICEFILE": file])
    #expect(missing.output.contains("definition of service \\\"elsewhere\\\" not found"), "\(missing.output)")

    // A host that never answers is given up for the next one at the limit of the service file or the environment.
    let (socket, port) = try Loopback.listener()
    let silent = try await Command.run(
      ["doctor", "--postgres-url", "service=silent port=\(port)", "--json"], in: folder.path,
      environment: ["PGSERVICEFILE": file])
    #expect(silent.output.contains("within 1.0 seconds"), "\(silent.output)")
    let next = try await Command.run(
      ["doctor", "--postgres-url", "dbname=\(try #require(target.database))", "--json"], in: folder.path,
      environment: [
        "PGHOST": "127.0.0.1,\(try #require(target.host))", "PGPORT": "\(port),5432", "PGUSER": "postgres",
        "PGSSLMODE": "disable", "PGCONNECT_TIMEOUT": "2",
      ])
    #expect(try next.json()["healthy"] == true, "\(next.output)")
    close(socket)
  }
}
