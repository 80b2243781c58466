// Looks at a Postgres server: reachable, fit, with our rights and our schema.

internal import Postgres

/// The checks of one server, in the order in which a user would repair what they find.
struct ServerCheckup {
  let configuration: PostgresConfiguration

  /// Tables that agents and the importer use.
  static let tables = [
    "agents", "agent_memories", "agent_tools", "agent_metrics", "agent_executions", "agent_import_files",
    "agent_import_sources", "agent_imports", "agent_import_rejects", "agent_import_rows",
    "agent_import_deletions",
  ]

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
    let tables = try await presentTables(connection)
    try await findings += schema(connection, tables)
    try await findings += rights(connection, tables)
    try await findings.append(vector(connection, tables))
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

  // MARK: - Schema

  /// A table that has one of our names.
  struct Table: Sendable {
    let name: String
    /// Whether it has the columns that only ours have.
    let isOurs: Bool
    let missingRights: [String]
  }

  private func presentTables(_ connection: PostgresConnection) async throws(PostgresError) -> [Table] {
    let rows = try await connection.query(
      """
      SELECT relname::text AS name,
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
          AS columns,
        ARRAY(SELECT right_name FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_name
          WHERE NOT has_table_privilege(c.oid, right_name)) AS missing
      FROM pg_class AS c
      WHERE relname::text = ANY (\(Self.tables)) AND relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_table_is_visible(c.oid)
      """)
    var tables: [Table] = []
    for row in rows {
      let name = try row.decode("name", as: String.self)
      let columns = Set(try row.decode("columns", as: [String].self))
      tables.append(
        Table(
          name: name, isOurs: columns.isSuperset(of: Self.marks(of: name)),
          missingRights: try row.decode("missing", as: [String].self)))
    }
    return tables.sorted { $0.name < $1.name }
  }

  /// Columns by which our table is told from another of the same name.
  private static func marks(of table: String) -> Set<String> {
    switch table {
    case "agents": ["id", "name", "status", "organization_id"]
    case "agent_memories", "agent_tools", "agent_metrics", "agent_executions":
      ["agent_id", "source_id", "source_row", "source_exact", "written_by"]
    default: ["agent_id"]
    }
  }

  private func schema(
    _ connection: PostgresConnection, _ tables: [Table]
  ) async throws(PostgresError) -> [Finding] {
    let schema =
      try await connection.queryOne("SELECT current_schema()::text")?.decode(0, as: String?.self) ?? nil
    guard let schema else {
      return [
        .fault(
          "schema", "no schema of search_path is there, or the user may not use it",
          advice:
            "make it (CREATE SCHEMA agentbase), grant USAGE on it, or correct search_path in DATABASE_URL")
      ]
    }
    let foreign = tables.filter { !$0.isOurs }.map(\.name)
    if !foreign.isEmpty {
      return [
        .fault(
          "schema", "tables of the same name that AgentBase did not make: \(foreign.joined(separator: ", "))",
          advice: "give AgentBase a schema of its own: CREATE SCHEMA agentbase, and "
            + "?options=-csearch_path%3Dagentbase in DATABASE_URL")
      ]
    }
    let missing = Self.tables.filter { name in !tables.contains { $0.name == name } }
    if missing.isEmpty { return [.ok("schema", "all \(tables.count) tables are in \(schema)")] }
    if tables.isEmpty {
      return [.note("schema", "no tables yet in \(schema): the first import, or the first agent, makes them")]
    }
    return [
      .fault(
        "schema", "missing in \(schema): \(missing.joined(separator: ", "))",
        advice: "restore them from a backup, or start anew in an empty schema")
    ]
  }

  // MARK: - Rights

  private func rights(
    _ connection: PostgresConnection, _ tables: [Table]
  ) async throws(PostgresError) -> [Finding] {
    guard
      let row = try await connection.queryOne(
        """
        SELECT current_user::text AS name, current_schema()::text AS schema,
          has_schema_privilege(current_schema(), 'CREATE') AS may_create
        """)
    else { return [] }
    let user = PostgresIdentifier.quoted(try row.decode("name", as: String.self))
    var findings: [Finding] = []
    let lacking = Dictionary(grouping: tables.filter { !$0.missingRights.isEmpty }, by: \.missingRights)
    for (missing, tables) in lacking.sorted(by: { $0.key.count > $1.key.count }) {
      let rights = missing.joined(separator: ", ")
      let names = tables.map(\.name).joined(separator: ", ")
      findings.append(
        .fault(
          "rights", "permission denied for \(tables.count == 1 ? "table" : "tables") \(names): \(rights)",
          advice: "GRANT \(rights) ON \(names) TO \(user)"))
    }
    let mayCreate = try row.decode("may_create", as: Bool?.self) ?? false
    let schema = try row.decode("schema", as: String?.self)
    if let schema, tables.count < Self.tables.count, !mayCreate {
      findings.append(
        .fault(
          "rights", "\(user) may not create tables in the schema \(schema)",
          advice: "GRANT CREATE, USAGE ON SCHEMA \(PostgresIdentifier.quoted(schema)) TO \(user)"))
    }
    if findings.isEmpty {
      findings.append(
        .ok("rights", "\(user) may select, insert, update, delete\(mayCreate ? ", create" : "")"))
    }
    return findings
  }

  // MARK: - pgvector

  private func vector(
    _ connection: PostgresConnection, _ tables: [Table]
  ) async throws(PostgresError) -> Finding {
    let extensionRow = try await connection.queryOne(
      "SELECT default_version AS available, installed_version AS installed FROM pg_available_extensions WHERE name = 'vector'"
    )
    let column = try await connection.queryOne(
      """
      SELECT typname::text FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
      WHERE attrelid = to_regclass('agent_memories') AND attname = 'embedding'
      """)?.decode(0, as: String.self)
    guard let extensionRow else {
      return .note(
        "pgvector", "not on this server: embeddings are kept, and cannot be searched",
        advice: "install it on the server, as in apt-get install postgresql-18-pgvector")
    }
    guard let installed = try extensionRow.decode("installed", as: String?.self) else {
      return .note(
        "pgvector", "on this server, but not in this database: embeddings cannot be searched",
        advice: "a superuser runs: CREATE EXTENSION vector; SELECT agentbase_adopt_vector()")
    }
    guard column == nil || column == "vector" else {
      return .note(
        "pgvector", "\(installed) is installed, but embeddings are not vectors yet",
        advice: "run: SELECT agentbase_adopt_vector()")
    }
    return .ok("pgvector", installed + (column == "vector" ? ", embeddings are vectors" : ""))
  }
}
