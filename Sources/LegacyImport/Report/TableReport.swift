// What became of a table's rows.

public import AgentBase

/// The account of one legacy table. `read == loaded + alreadyThere + rejected`, always.
public struct TableReport: Sendable {
  /// The file, relative to the agents' folder.
  public let file: String
  /// The legacy table.
  public let table: String
  /// The table of Postgres that its rows go to; nil where they are kept only so that the file can be made again, because the
  /// table is none of memories, tools, metrics and executions.
  public let target: String?
  /// Whether it is SQLite's own or a module's (a counter of AUTOINCREMENT, the insides of a full-text index): the file needs it,
  /// its reader does not.
  public let isInternal: Bool
  /// Rows read from the source.
  public var read = 0
  /// Rows that this run loaded (or would load, in a dry run).
  public var loaded = 0
  /// Rows that an earlier run had loaded.
  public var alreadyThere = 0
  /// Rows that Postgres cannot hold; each is in `agent_import_rejects` with the reason.
  public var rejected = 0
  /// The first reasons, one a row: its key and why.
  public var rejects: [RejectReport] = []
  /// Seconds that the table took.
  public var seconds = 0.0

  /// The most rejects that a report lists; all of them are in `agent_import_rejects`.
  public static let mostRejects = 100

  /// The empty account of a table.
  public init(file: String, table: String, target: String?, isInternal: Bool = false) {
    self.isInternal = isInternal
    self.file = file
    self.table = table
    self.target = target
  }

  /// The account as JSON.
  public var json: JSON {
    [
      "file": .string(file), "table": .string(table), "target": target.map(JSON.string) ?? .null,
      "read": .integer(read), "loaded": .integer(loaded), "already_there": .integer(alreadyThere),
      "rejected": .integer(rejected), "duration_seconds": .real(seconds) ?? .null,
      "rejects": .array(rejects.map(\.json)),
    ]
  }
}

/// A row that Postgres cannot hold.
public struct RejectReport: Sendable {
  /// The primary key, as JSON.
  public let key: JSON
  /// Why Postgres cannot hold it.
  public let reason: String

  /// The reject as JSON.
  public var json: JSON { ["key": key, "reason": .string(reason)] }
}
