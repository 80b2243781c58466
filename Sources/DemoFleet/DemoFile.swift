// What a file of the fleet holds: what an import has to find in it.

/// A file of the fleet.
public struct DemoFile: Sendable, Hashable {
  /// Where it is.
  public let path: String
  /// The same, relative to the fleet's folder.
  public let relativePath: String
  /// What is special about it, in a few words.
  public let about: String
  /// The agent that its folder stands for (guide 1: `operational/crawler/memory.db` is `operational_crawler`).
  public let agent: String
  /// Its tables, in the order in which they were made.
  public let tables: [DemoTable]
  /// Every memory that an agent can ask this file for, each once, in the order of agent, namespace and key.
  public let memories: [DemoMemory]

  /// How many rows the table has; nil where there is no such table.
  public func rows(of table: String) -> Int? { tables.first { $0.name == table }?.rows }

  /// Rows of all ordinary tables.
  public var rowCount: Int { tables.reduce(0) { $0 + ($1.kind == .ordinary ? $1.rows : 0) } }
}

/// A table of a file.
public struct DemoTable: Sendable, Hashable {
  /// What a table is to SQLite.
  public enum Kind: String, Sendable {
    /// One that an agent made.
    case ordinary = "table"
    /// One that a module answers for, as a full-text index is.
    case virtual
    /// One that such a module keeps its data in.
    case shadow
  }

  /// The name, as declared.
  public let name: String
  /// What it is.
  public let kind: Kind
  /// How many rows it has.
  public let rows: Int
}

/// What a memory is asked for by.
public struct DemoMemory: Sendable, Hashable {
  /// The agent whose memory it is.
  public let agent: String
  /// The namespace, empty where the table has none.
  public let namespace: String
  /// The key column; the primary key as text where there is none or where it is empty; else the rowid.
  public let key: String
  /// Whether its time is over, so that every backend answers nothing.
  public let isExpired: Bool
}
