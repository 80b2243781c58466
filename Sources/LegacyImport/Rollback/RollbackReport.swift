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
    /// Rows of the library's own tables that the legacy tables hold as well, so that the agents' old code reads them.
    public var mirrored = 0
    /// Rows of the library's own tables that no legacy table takes: old code does not see them.
    public var left: [Left] = []
    /// Imported rows that agents deleted since, and which are not in it.
    public var deleted = 0
    /// Whether the digests of all restored rows are those that the ledger took at the import.
    public var isProved = true
  }

  /// Rows that the agents' old code does not see.
  public struct Left: Sendable, Hashable {
    /// The library's own table that they are in.
    public let table: String
    /// How many they are.
    public let rows: Int
    /// Why no legacy table takes them.
    public let reason: String
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
            "rows_in_legacy_tables": .integer($0.mirrored),
            "rows_beside": .array(
              $0.left.map {
                ["table": .string($0.table), "rows": .integer($0.rows), "reason": .string($0.reason)]
              }),
            "proved": .bool($0.isProved),
          ]
        }),
      "warnings": .array(warnings.map(JSON.string)), "duration_seconds": .real(seconds) ?? .null,
    ]
  }
}
