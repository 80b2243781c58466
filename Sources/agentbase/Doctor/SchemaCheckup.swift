// Looks at our tables in a database: whether they are there, ours, of our version, and whether we may use them.

internal import Postgres
internal import Schema

/// The checks of one database's schema, rights and extensions.
struct SchemaCheckup {
  let connection: PostgresConnection

  /// Tables that agents and the importer use.
  static let tables = [
    "agents", "agent_memories", "agent_tools", "agent_metrics", "agent_executions", "agent_import_files",
    "agent_import_sources", "agent_imports", "agent_import_rejects", "agent_import_rows",
    "agent_import_deletions", "agent_memory_history", "agent_vector_spaces", "agent_cutover",
    "agent_cutover_deletions", "agent_outbox", "agent_outbox_progress", "agent_outbox_set_aside",
    versionTable,
  ]
  private static let versionTable = "agentbase_schema_versions"
  /// What `agentbase copy` alone makes.
  private static let books: Set = [
    "agent_import_files", "agent_import_sources", "agent_imports", "agent_import_rejects", versionTable,
  ]

  /// Looks; changes nothing.
  func findings() async throws(PostgresError) -> [Finding] {
    let tables = try await presentTables()
    var findings = try await schema(tables)
    if !findings.contains(where: { $0.state == .fault }), tables.count == Self.tables.count {
      findings += try await indexes()
    }
    findings += try await rights(tables)
    findings.append(try await vector())
    findings += try await VectorCheckup(connection: connection).findings()
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

  private func presentTables() async throws(PostgresError) -> [Table] {
    let rows = try await connection.query(
      """
      SELECT relname::text AS name,
        ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
          AS columns,
        ARRAY(SELECT right_name FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS right_name
          WHERE NOT has_table_privilege(c.oid, right_name)
            AND (right_name = 'SELECT' OR relname <> 'agentbase_schema_versions')) AS missing
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
    case versionTable: ["version", "applied_text"]
    default: ["agent_id"]
    }
  }

  private func schema(_ tables: [Table]) async throws(PostgresError) -> [Finding] {
    guard
      let row = try await connection.queryOne(
        """
        SELECT current_schema()::text AS schema, current_setting('search_path') AS path,
          has_database_privilege(current_database(), 'CREATE') AS may_create
        """)
    else { return [] }
    guard let schema = try row.decode("schema", as: String?.self) else {
      let path = try row.decode("path", as: String.self)
      return try row.decode("may_create", as: Bool.self)
        ? [
          .note(
            "schema",
            "no schema of search_path (\(path)) is there: the first import, or the first agent, makes it")
        ]
        : [
          .fault(
            "schema", "no schema of search_path (\(path)) is there, or the user may not use it",
            advice:
              "make it (CREATE SCHEMA) and grant CREATE and USAGE on it, or correct search_path in DATABASE_URL"
          )
        ]
    }
    let hasVersions = tables.contains { $0.name == Self.versionTable }
    let foreign = tables.filter { !$0.isOurs || !hasVersions }.map(\.name)
    if !foreign.isEmpty {
      return [
        .fault(
          "schema", "tables of the same name that AgentBase did not make: \(foreign.joined(separator: ", "))",
          advice: "give AgentBase a schema of its own: add ?options=-csearch_path%3Dagentbase to DATABASE_URL"
        )
      ]
    }
    if tables.isEmpty {
      return [.note("schema", "no tables yet in \(schema): the first import, or the first agent, makes them")]
    }
    if Set(tables.map(\.name)) == Self.books {
      return [
        .note(
          "schema",
          "the books of agentbase copy are in \(schema): the first import, or the first agent, makes the rest"
        )
      ]
    }
    let steps = try await appliedSteps(tables)?.count ?? Schema.postgres.count
    let missing = Self.tables(madeBy: steps).filter { name in !tables.contains { $0.name == name } }
    guard missing.isEmpty else {
      return [
        .fault(
          "schema", "missing in \(schema): \(missing.joined(separator: ", "))",
          advice: "restore them from a backup of the database, or start anew in an empty schema")
      ]
    }
    return [try await version(schema, tables)]
  }

  /// The texts of the steps that made the tables; nil where they may not be read.
  private func appliedSteps(_ tables: [Table]) async throws(PostgresError) -> [String]? {
    guard tables.allSatisfy({ $0.name != Self.versionTable || $0.missingRights.isEmpty }) else { return nil }
    let rows = try await connection.query(
      "SELECT applied_text FROM agentbase_schema_versions ORDER BY version")
    var applied: [String] = []
    for row in rows { applied.append(try row.decode(0, as: String.self)) }
    return applied
  }

  /// The tables that the first steps make: those that a database of an older version has.
  private static func tables(madeBy steps: Int) -> [String] {
    let text = Schema.postgres.prefix(steps).map(\.up).joined()
    return tables.filter { $0 == versionTable || text.contains("CREATE TABLE \($0) ") }
  }

  /// Whether the steps that made the tables are those of this program.
  private func version(_ schema: String, _ tables: [Table]) async throws(PostgresError) -> Finding {
    guard let applied = try await appliedSteps(tables) else {
      return .note("schema", "all tables are in \(schema); their version may not be read")
    }
    let newest = Schema.postgres.count
    guard applied.count <= newest else {
      return .fault(
        "schema", "the tables have version \(applied.count), and this program knows \(newest)",
        advice: "use the newer program")
    }
    if let place = applied.indices.first(where: { applied[$0] != Schema.postgres[$0].up }) {
      return .fault(
        "schema", "step \(place + 1) of the tables was made by another text than this program's",
        advice: "use the program that made it")
    }
    return applied.count == newest
      ? .ok("schema", "all tables are in \(schema), version \(newest)")
      : .note(
        "schema",
        "the tables in \(schema) have version \(applied.count) of \(newest): the first use brings them up to date, or agentbase schema up"
      )
  }

  /// Whether an import that was cut off has left tables without an index or their reference to agents.
  private func indexes() async throws(PostgresError) -> [Finding] {
    let known = try await connection.queryOne("SELECT to_regproc('agentbase_missing') IS NOT NULL")
    guard try known?.decode(0, as: Bool.self) == true else { return [] }
    var missing: [String] = []
    for row in try await connection.query("SELECT name FROM agentbase_missing() ORDER BY name") {
      missing.append(try row.decode(0, as: String.self))
    }
    guard !missing.isEmpty else { return [] }
    return [
      .note(
        "indexes",
        "missing: \(missing.joined(separator: ", ")): an import is under way, or was cut off; the next one makes them"
      )
    ]
  }

  // MARK: - Rights

  private func rights(_ tables: [Table]) async throws(PostgresError) -> [Finding] {
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

  private func vector() async throws(PostgresError) -> Finding {
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
