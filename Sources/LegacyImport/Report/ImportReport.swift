// The report of a run, with the names that guide 1 gives its members.

public import AgentBase
import Foundation

/// What an import did.
public struct ImportReport: Sendable {
  /// What became of one agent.
  public struct Agent: Sendable {
    /// The agent's id.
    public let id: String
    /// Its tables.
    public var tables: [TableReport] = []
    /// What failed, each in one line.
    public var errors: [String] = []

    /// Rows of its memories, tools, metrics and executions that are in Postgres now, by this run or an earlier one.
    public var recordsMigrated: Int {
      tables.filter { $0.target != nil }.reduce(0) { $0 + $1.loaded + $1.alreadyThere }
    }
  }

  /// When the run began, RFC 3339, UTC.
  public var date: String
  /// Whether nothing was written.
  public var isDryRun: Bool
  /// One entry an agent, in the order of their ids.
  public var agents: [Agent] = []
  /// Files that could not be read as databases, with the reason.
  public var unreadable: [(path: String, reason: String)] = []
  /// What the user should know, each in one line.
  public var warnings: [String] = []
  /// The proof; nil where none was asked for or reached.
  public var verification: VerificationReport?
  /// Seconds that the run took.
  public var seconds = 0.0
  /// How many rows were done by when.
  public var rates = RunRates()

  /// An empty report.
  public init(date: String, isDryRun: Bool) {
    self.date = date
    self.isDryRun = isDryRun
  }

  // MARK: - Sums

  /// All tables of all agents.
  public var tables: [TableReport] { agents.flatMap(\.tables) }
  /// Rows that Postgres cannot hold.
  public var rejected: Int { tables.reduce(0) { $0 + $1.rejected } }
  /// Tables that are none of the four kinds: their rows are kept, and `agentbase copy` is for them.
  public var otherTables: [TableReport] { tables.filter { $0.target == nil && !$0.isInternal } }
  /// Agents without an error.
  public var successfulMigrations: Int { agents.count { $0.errors.isEmpty } }
  /// Rows in Postgres now, over all agents.
  public var totalRecordsMigrated: Int { agents.reduce(0) { $0 + $1.recordsMigrated } }

  /// 0 done; 1 a file or an agent failed; 3 rows were rejected; 4 the proof found a difference.
  public var exitCode: Int32 {
    if !unreadable.isEmpty || agents.contains(where: { !$0.errors.isEmpty }) { return 1 }
    if let verification, verification.exitCode != 0 { return verification.exitCode }
    return rejected > 0 ? 3 : 0
  }

  // MARK: - JSON

  /// The report as JSON, with guide 1's names.
  public var json: JSON {
    [
      "migration_date": .string(date), "dry_run": .bool(isDryRun), "total_agents": .integer(agents.count),
      "successful_migrations": .integer(successfulMigrations),
      "failed_migrations": .integer(agents.count - successfulMigrations),
      "total_records_migrated": .integer(totalRecordsMigrated), "total_rejected": .integer(rejected),
      "duration_seconds": .real(seconds) ?? .null, "results": .array(agents.map(\.json)),
      "other_tables": .array(
        otherTables.map { ["file": .string($0.file), "table": .string($0.table), "rows": .integer($0.read)] }),
      "unreadable_files": .array(
        unreadable.map { ["path": .string($0.path), "reason": .string($0.reason)] }),
      "warnings": .array(warnings.map(JSON.string)), "verification": verification?.json ?? .null,
      "rates": rates.json,
    ]
  }
}

extension ImportReport.Agent {
  /// The entry as JSON, with guide 1's names.
  var json: JSON {
    [
      "agent_id": .string(id), "success": .bool(errors.isEmpty),
      "records_migrated": .integer(recordsMigrated),
      "duration_seconds": .real(tables.reduce(0) { $0 + $1.seconds }) ?? .null,
      "errors": .array(errors.map(JSON.string)), "tables": .array(tables.map(\.json)),
    ]
  }
}
