// How steps are gone, and what is told of it.

/// What happens while steps are gone.
public enum MigrationEvent: Sendable, Hashable {
  /// A step is begun.
  case began(version: Int, name: String, direction: MigrationDirection)
  /// A batch of a step is committed; `rows` is how many all of its batches have changed.
  case progressed(version: Int, rows: Int)
  /// A step is done.
  case ended(MigrationRun)
  /// A backup was made, or what makes one.
  case backedUp(String)
}

/// A step that was gone.
public struct MigrationRun: Sendable, Hashable {
  /// Its number.
  public let version: Int
  /// Its name.
  public let name: String
  /// Which way.
  public let direction: MigrationDirection
  /// How long it took, in milliseconds.
  public let durationMilliseconds: Double
  /// How many rows its batches have changed; 0 where it has none.
  public let batchRows: Int
}

/// How steps are gone.
public struct MigrationOptions: Sendable {
  /// How long another runner is waited for.
  public var lockWait: Duration = .seconds(60)
  /// Whether a way down keeps aside the rows and columns that it takes away, for the next way up.
  public var keepsAside = true
  /// Columns that are made from others: kept values come back only to rows in which those are the same.
  public var derivedColumns: [DerivedColumn] = []
  /// Is told what happens, on any thread; it must not block.
  public var onEvent: (@Sendable (MigrationEvent) -> Void)?

  /// The usual ones.
  public init() {}

  /// A column whose values hold for a row only while other columns of it stay the same.
  public struct DerivedColumn: Sendable, Hashable {
    let table: String
    let column: String
    let sources: [String]

    /// A column of a table, and those that it is made from.
    public init(_ table: String, _ column: String, from sources: [String]) {
      self.table = table
      self.column = column
      self.sources = sources
    }
  }
}
