// Looks at a Postgres server: reachable, of a version and an encoding that work.

internal import Postgres

/// The checks of one server, in the order in which a user would repair what they find.
struct ServerCheckup {
  let configuration: PostgresConfiguration

  /// Connects and looks; changes nothing.
  func findings() async -> [Finding] {
    let connection: PostgresConnection
    do {
      connection = try await PostgresConnection.connect(configuration)
    } catch {
      let failure = PostgresAdvice.failure(error)
      return [.fault("server", failure.message, advice: failure.advice)]
    }
    let found: [Finding]
    do {
      found = try await findings(on: connection)
    } catch {
      let failure = PostgresAdvice.failure(error)
      found = [.fault("server", failure.message, advice: failure.advice)]
    }
    await connection.close()
    return found
  }

  private func findings(on connection: PostgresConnection) async throws(PostgresError) -> [Finding] {
    var findings = [version(connection.serverVersion)]
    guard connection.serverVersion >= 150_000 else { return findings }
    try await findings += database(connection)
    try await findings += SchemaCheckup(connection: connection).findings()
    return findings
  }

  // MARK: - Server and database

  private func version(_ number: Int) -> Finding {
    let major = number / 10_000
    let text = "PostgreSQL \(major).\(number % 10_000) at \(configuration)"
    switch major {
    case ..<15: return .fault("server", text + " is too old", advice: "use PostgreSQL 15 to 18")
    case 15...18: return .ok("server", text)
    default: return .note("server", text + " is newer than what was tested (15 to 18)")
    }
  }

  private func database(_ connection: PostgresConnection) async throws(PostgresError) -> [Finding] {
    guard
      let row = try await connection.queryOne(
        """
        SELECT current_database()::text AS name, current_setting('server_encoding') AS encoding,
          pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS is_read_only,
          current_setting('TimeZone') AS zone, pg_database_size(current_database()) AS bytes
        """)
    else { return [] }
    let name = try row.decode("name", as: String.self)
    let encoding = try row.decode("encoding", as: String.self)
    let megabytes = try row.decode("bytes", as: Int.self) / 1_000_000
    var findings: [Finding] = []
    findings.append(
      encoding == "UTF8"
        ? .ok("encoding", "UTF8")
        : .fault(
          "encoding", "the database \(name) stores \(encoding): not every text fits",
          advice: "make another: createdb --encoding=UTF8 --template=template0 NAME"))
    if try row.decode("is_read_only", as: Bool.self) {
      findings.append(
        .fault(
          "database", "the database \(name) is read-only",
          advice: "connect to the primary, or reset default_transaction_read_only"))
    } else {
      findings.append(.ok("database", "\(name), \(megabytes.grouped) MB"))
    }
    findings.append(
      .ok(
        "time zone", "\(try row.decode("zone", as: String.self)) on the server; all times are stored in UTC"))
    return findings
  }
}
