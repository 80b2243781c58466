// The import on real servers: what guide 1 promises, and what it does not.

import AgentBase
import DemoFleet
import Foundation
import LegacyImport
import Postgres
import TestSupport
import Testing

/// A fleet of legacy agents and an empty database.
struct ImportScene {
  let folder: TemporaryFolder
  let url: String
  let fleet: [DemoFile]
  var root: String { folder.path + "/agents" }

  init(_ version: TestServer.Version) async throws {
    folder = try TemporaryFolder("import")
    url = try await TestServer.freshDatabase(version)
    fleet = try DemoFleet.make(in: folder.path + "/agents")
  }

  func discovery(agent: String? = nil) throws -> Discovery { try Discovery(root: root, agent: agent) }

  func importAll(_ change: (inout ImportOptions) -> Void = { _ in }) async throws -> ImportReport {
    var options = ImportOptions(postgresURL: url)
    change(&options)
    return try await Importer(discovery(), options: options).run()
  }

  func verify() async throws -> VerificationReport {
    try await Verifier(discovery(), options: ImportOptions(postgresURL: url)).run()
  }

  func connect() async throws -> PostgresConnection {
    try await PostgresConnection.connect(PostgresConfiguration(url))
  }

  /// One number that a query answers.
  func count(_ statement: PostgresStatement) async throws -> Int {
    let connection = try await connect()
    let count = try await connection.queryOne(statement)?.decode(0, as: Int.self) ?? -1
    await connection.close()
    return count
  }

  func execute(_ statement: PostgresStatement) async throws {
    let connection = try await connect()
    try await connection.execute(statement)
    await connection.close()
  }
}

@Suite struct ImportTests {
  @Test(arguments: TestServer.versions)
  func movesEveryRowAndProvesIt(version: TestServer.Version) async throws {
    let scene = try await ImportScene(version)
    let report = try await scene.importAll()
    let problems = report.verification?.differences.map(\.description) ?? []
    #expect(problems.isEmpty)
    #expect(report.agents.flatMap(\.errors).isEmpty)
    #expect(report.exitCode == 0)
    for table in report.tables {
      #expect(table.read == table.loaded + table.alreadyThere + table.rejected)
      let file = scene.fleet.first { $0.relativePath == table.file }
      if table.table != "sqlite_sequence" {
        #expect(table.read == file?.rows(of: table.table), "\(table.file) \(table.table)")
      }
    }
    #expect(report.totalRecordsMigrated > 200)
    #expect(report.verification?.compared == report.tables.reduce(0) { $0 + $1.read })
  }

  @Test(arguments: TestServer.versions)
  func aSecondRunAddsNothing(version: TestServer.Version) async throws {
    let scene = try await ImportScene(version)
    let first = try await scene.importAll()
    let second = try await scene.importAll()
    #expect(second.tables.allSatisfy { $0.loaded == 0 && $0.alreadyThere == $0.read })
    #expect(second.totalRecordsMigrated == first.totalRecordsMigrated)
    // Nothing has changed on either side: the first run's proof stands.
    #expect(second.verification?.unchanged == first.verification?.compared)
    #expect(second.verification?.compared == 0)
    #expect(second.exitCode == 0)
  }

  @Test func theRecordOfGuide1ComesOutAsPrinted() async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    let connection = try await scene.connect()
    let row = try #require(
      await connection.queryOne(
        """
        SELECT agent_id, content::text, metadata->>'source_table', metadata->>'migrated_at', embedding IS NULL,
          to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), metadata->>'source_database',
          metadata->'legacy_id' = '1', key
        FROM agent_memories WHERE agent_id = 'operational_crawler' AND metadata->>'source_table' = 'memory'
        ORDER BY id LIMIT 1
        """))
    #expect(try row.decode(0) == "operational_crawler")
    #expect(
      try row.decode(1)
        == #"{"content": "User query about pricing", "timestamp": "2024-01-15 10:30:00"}"#)
    #expect(try row.decode(2) == "memory")
    #expect(try row.decode(3, as: String.self).hasSuffix("Z"))
    #expect(try row.decode(4) == true)
    #expect(try row.decode(5) == "2024-01-15T10:30:00Z")
    #expect(try row.decode(6) == "operational/crawler/memory.db")
    #expect(try row.decode(7) == true)
    #expect(try row.decode(8) == "1")
    await connection.close()
  }

  @Test func theValidationQueriesOfGuide1RunAsPrinted() async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    let connection = try await scene.connect()
    let counts = try await connection.query(
      """
      SELECT 
        a.name as agent_name,
        COUNT(m.id) as memory_count,
        COUNT(t.id) as tool_count,
        COUNT(mt.id) as metric_count
      FROM agents a
      LEFT JOIN agent_memories m ON a.id = m.agent_id
      LEFT JOIN agent_tools t ON a.id = t.agent_id  
      LEFT JOIN agent_metrics mt ON a.id = mt.agent_id
      GROUP BY a.name;
      """)
    #expect(counts.count >= scene.fleet.count)
    _ = try await connection.query(
      """
      SELECT 
        agent_id,
        COUNT(*) as records,
        MAX(created_at) as latest_record
      FROM agent_memories 
      WHERE created_at > NOW() - INTERVAL '1 hour'
      GROUP BY agent_id;
      """)
    for table in ["agent_memories", "agent_tools", "agent_metrics"] {
      #expect(try await connection.queryOne("SELECT COUNT(*) FROM \(identifier: table);")?.decode(0) ?? 0 > 0)
    }
    await connection.close()
  }

  @Test func aDryRunWritesNothing() async throws {
    let scene = try await ImportScene(.v15)
    let dry = try await scene.importAll { $0.isDryRun = true }
    #expect(try await scene.count("SELECT count(*) FROM pg_class WHERE relname LIKE 'agent%'") == 0)
    let real = try await scene.importAll()
    #expect(dry.tables.map(\.loaded) == real.tables.map(\.loaded))
    #expect(dry.tables.map(\.rejected) == real.tables.map(\.rejected))
    #expect(dry.isDryRun)
    #expect(dry.verification == nil)
  }
}

@Suite struct VerificationTests {
  @Test(
    arguments: [
      (
        "UPDATE agent_memories SET content = jsonb_set(content, '{content}', '\"changed\"') WHERE key = '1'",
        "content"
      ),
      ("UPDATE agent_memories SET key = 'other' WHERE key = '1'", "key"),
      (
        "UPDATE agent_memories SET created_at = created_at + interval '1 microsecond' WHERE key = '1'",
        "created_at"
      ),
      ("UPDATE agent_memories SET metadata = metadata || '{\"more\": 1}' WHERE key = '1'", "metadata"),
    ]
  )
  func aRowThatWasAlteredIsNamed(sql: String, column: String) async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    try await scene.execute(PostgresStatement(sql: sql + " AND agent_id = 'operational_crawler'"))
    let report = try await scene.verify()
    #expect(report.exitCode == 4)
    #expect(report.differenceCount == 1)
    let difference = try #require(report.differences.first)
    #expect(difference.kind == .altered)
    #expect(difference.columns == [column])
    #expect(difference.table == "memory")
    #expect(difference.file == "operational/crawler/memory.db")
  }

  @Test func rowsThatStandInAnotherOrderThanTheSourceAreCompared() async throws {
    let scene = try await SourceScene()
    // More than may wait in memory for their partners.
    try scene.write(
      "a/x.db",
      """
      CREATE TABLE memory (id INTEGER PRIMARY KEY, value TEXT);
      CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 800)
        INSERT INTO memory SELECT i, printf('%.40000c', 'v') FROM n;
      INSERT INTO notes SELECT 'note ' || id, value FROM memory;
      """)
    _ = try await scene.importAll { $0.verifies = false }
    for table in ["agent_memories", "agent_import_rows"] {
      try await scene.execute("CREATE TABLE shuffled AS SELECT * FROM \(table) ORDER BY md5(id::text)")
      try await scene.execute("TRUNCATE \(table)")
      try await scene.execute("INSERT INTO \(table) SELECT * FROM shuffled")
      try await scene.execute("DROP TABLE shuffled")
    }
    let report = try await scene.verify()
    #expect(report.exitCode == 0 && report.compared == 1600)
    try await scene.execute("DELETE FROM agent_memories WHERE key = '77'")
    try await scene.execute(
      "UPDATE agent_import_rows SET content = '{}' WHERE metadata ->> 'legacy_id' = 'note 400'")
    let differences = try await scene.verify().differences
    #expect(differences.map(\.kind) == [.missing, .altered])
    #expect(differences.map(\.key) == ["77", "\"note 400\""])
  }

  @Test func aRowThatIsMissingIsNamed() async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    try await scene.execute("DELETE FROM agent_metrics WHERE ctid = (SELECT min(ctid) FROM agent_metrics)")
    let report = try await scene.verify()
    #expect(report.differences.map(\.kind) == [.missing])
    #expect(report.exitCode == 4)
  }

  @Test(
    arguments: [
      "INSERT INTO agent_memories (agent_id, key, content) VALUES ('operational_crawler', 'x', '{}')",
      """
      INSERT INTO agent_memories (agent_id, key, content, metadata, source_id, source_row)
      SELECT agent_id, key, content, metadata, source_id, source_row FROM agent_memories
      WHERE agent_id = 'operational_crawler' AND source_id IS NOT NULL LIMIT 1
      """,
      """
      INSERT INTO agent_memories (agent_id, key, content, metadata, source_id, source_row)
      VALUES ('operational_crawler', 'x', '{}', '{}', 77, 1)
      """,
    ]
  )
  func aRowThatWasAddedIsNamed(sql: String) async throws {
    let scene = try await ImportScene(.v15)
    _ = try await scene.importAll()
    try await scene.execute(PostgresStatement(sql: sql))
    let report = try await scene.verify()
    #expect(report.differences.map(\.kind) == [.added])
  }
}
