// The tables of guide 4 (routers, planners, workers), as its agents have them.

import Migrations

/// Guide 4's tables on either database.
struct GuideTables {
  let dialect: MigrationDialect

  private var json: String { dialect == .sqlite ? "JSON" : "jsonb" }

  /// The step that makes them.
  var base: Migration {
    Migration(
      version: 1, name: "base",
      up: """
        CREATE TABLE routers (
          router_id VARCHAR(32) PRIMARY KEY, status VARCHAR(50) NOT NULL, metadata \(json),
          schema_version INTEGER DEFAULT 1, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
        );
        CREATE TABLE planners (
          planner_id VARCHAR(32) PRIMARY KEY, router_id VARCHAR(32) NOT NULL REFERENCES routers (router_id),
          status VARCHAR(50), metadata \(json), schema_version INTEGER DEFAULT 1
        );
        CREATE TABLE workers (
          worker_id VARCHAR(32) PRIMARY KEY, planner_id VARCHAR(32) NOT NULL REFERENCES planners (planner_id),
          task_status VARCHAR(50) NOT NULL, \(Self.carried.dropFirst(3).map { "\($0) \(type(of: $0))" }.joined(separator: ", ")),
          schema_version INTEGER DEFAULT 1, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
          updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
        );
        CREATE TABLE worker_notes (note_id INTEGER PRIMARY KEY, worker_id VARCHAR(32) REFERENCES workers (worker_id), note TEXT);
        """, down: "DROP TABLE worker_notes; DROP TABLE workers; DROP TABLE planners; DROP TABLE routers;")
  }

  /// The columns of workers that both its tables have, without versions and times.
  static let carried = [
    "worker_id", "planner_id", "task_status", "task_description", "acceptance_criteria", "task_context",
    "task_result",
    "querying_structured_data", "image_keys", "variable_keys", "tools", "input_images", "input_variables",
    "output_images",
    "output_variables", "tables", "metadata",
  ]

  private func type(of column: String) -> String {
    switch column {
    case "task_description", "task_result": "TEXT"
    case "querying_structured_data": "BOOLEAN DEFAULT FALSE"
    default: json
    }
  }

  /// What is in them: rows with and without metadata, and workers in a number.
  func rows(workers: Int) -> String {
    let number =
      dialect == .sqlite
      ? "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(workers))" : ""
    let cast = dialect == .sqlite ? "" : "::jsonb"
    let source = dialect == .sqlite ? "n" : "generate_series(1, \(workers)) AS n(i)"
    return """
      INSERT INTO routers (router_id, status, metadata) VALUES
        ('r1', 'active', '{"model":"gpt-4"}'), ('r2', 'active', '{"model":"x","timeout_seconds":60}'), ('r3', 'idle', NULL),
        ('r4', 'idle', '{"timeout_seconds":null}'), ('r5', 'idle', '{"timeout_seconds":300}'), ('r6', 'idle', '{}');
      INSERT INTO planners (planner_id, router_id, status, metadata) VALUES ('p1', 'r1', 'planning', '{"a":1}'), ('p2', 'r2', NULL, NULL);
      \(number) INSERT INTO workers (worker_id, planner_id, task_status, task_description, tools, metadata)
        SELECT 'w' || i, 'p' || (1 + i % 2), 'pending', 'task ' || i, '["search"]'\(cast), CASE WHEN i % 3 = 0 THEN NULL ELSE '{"n":1}'\(cast) END
        FROM \(source);
      INSERT INTO worker_notes VALUES (1, 'w1', 'first');
      """
  }

  // MARK: The guide's four changes

  func routers(rowVersion: SchemaChange.RowVersion? = nil) -> SchemaChange.Table {
    SchemaChange.Table("routers", key: "router_id", dialect, rowVersion: rowVersion)
  }

  /// Procedure 1.
  func addTimeout(_ pace: SchemaChange.Pace) -> SchemaChange {
    .addAttribute("timeout_seconds", default: "300", to: routers(), pace: pace)
  }

  /// Procedure 2.
  var addContext: SchemaChange {
    .addColumn(
      "conversation_context", type: "TEXT", default: "NULL",
      to: SchemaChange.Table("planners", key: "planner_id", dialect, rowVersion: .init(from: 1, to: 2)))
  }

  /// Procedure 3.
  func promoteTimeout(_ pace: SchemaChange.Pace) -> SchemaChange {
    .promote(
      "timeout_seconds", to: .integer, default: "300", in: routers(rowVersion: .init(from: 1, to: 2)),
      pace: pace)
  }

  /// Procedure 4.
  func restructureWorkers(_ pace: SchemaChange.Pace) -> SchemaChange {
    .restructure(
      SchemaChange.Table("workers", key: "worker_id", dialect),
      definition: """
          worker_id VARCHAR(32) PRIMARY KEY,
          planner_id VARCHAR(32) NOT NULL,
          task_status VARCHAR(50) NOT NULL,
          -- New fields
          priority INTEGER DEFAULT 0,
          retry_count INTEGER DEFAULT 0,
          -- Existing fields
          \(Self.carried.dropFirst(3).map { "\($0) \(type(of: $0))" }.joined(separator: ",\n  ")),
          schema_version INTEGER DEFAULT 2,
          created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
          updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
          FOREIGN KEY (planner_id) REFERENCES planners(planner_id)
        """,
      columns: (Self.carried + ["created_at", "updated_at"]).map { .carried($0) } + [
        .added("priority", value: "0"), .added("retry_count", value: "0"),
        .added("schema_version", value: "2"),
      ],
      indexes: [
        "CREATE INDEX idx_workers_status ON workers(task_status)",
        "CREATE INDEX idx_workers_planner ON workers(planner_id)",
      ], pace: pace)
  }

  /// The guide's changes, one after the other, behind the tables.
  func steps(_ pace: SchemaChange.Pace) -> [Migration] {
    var steps = [base]
    for change in [addTimeout(pace), addContext, promoteTimeout(pace), restructureWorkers(pace)] {
      steps += change.migrations(from: steps.count + 1)
    }
    return steps
  }
}
