// What a rollback made.

public import AgentBase

/// What a rollback made: SQLite files, with the imported rows as they were and what agents wrote since.
public struct RollbackReport: Sendable {
  /// A file that was made.
  public struct File: Sendable {
    /// Where it was written.
    public let path: String
    /// The agent that owns it.
    public let agent: String
    /// Imported rows that stand in it again.
    public var restored = 0
    /// Rows that agents wrote since the import.
    public var written = 0
    /// Imported rows that agents deleted since, and which are not in it.
    public var deleted = 0
    /// Whether the digests of all restored rows are those that the ledger took at the import.
    public var isProved = true
  }

  /// The files.
  public var files: [File] = []
  /// What the user should know, each in one line.
  public var warnings: [String] = []
  /// Seconds that it took.
  public var seconds = 0.0

  /// An empty report.
  public init() {}

  /// 4 where a file is not what was imported, else 0.
  public var exitCode: Int32 { files.allSatisfy(\.isProved) ? 0 : 4 }

  /// The report as JSON.
  public var json: JSON {
    [
      "files": .array(
        files.map {
          [
            "path": .string($0.path), "agent_id": .string($0.agent), "rows_restored": .integer($0.restored),
            "rows_written_since": .integer($0.written), "rows_deleted_since": .integer($0.deleted),
            "proved": .bool($0.isProved),
          ]
        }),
      "warnings": .array(warnings.map(JSON.string)), "duration_seconds": .real(seconds) ?? .null,
    ]
  }
}
