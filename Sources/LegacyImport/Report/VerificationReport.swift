// What a comparison of source and target found.

public import AgentBase

/// A row that differs between the source and Postgres.
public struct Difference: Sendable {
  /// How it differs.
  public enum Kind: String, Sendable {
    /// Both have it, with other values.
    case altered
    /// The source has it, Postgres does not.
    case missing
    /// Postgres has it, the source does not.
    case added
  }

  /// How it differs.
  public let kind: Kind
  /// The file, relative to the agents' folder; nil for a row that came from none.
  public let file: String?
  /// The legacy table; nil for a row that came from none.
  public let table: String?
  /// The table of Postgres.
  public let target: String
  /// The row's id in Postgres.
  public let id: String
  /// The row's key in the source, or its name in Postgres.
  public let key: String
  /// The columns that differ.
  public let columns: [String]

  /// The row and how it differs, in one line.
  public var description: String {
    let place = [file, table].compactMap { $0 }.joined(separator: " ")
    let which = columns.isEmpty ? "" : " in " + columns.joined(separator: ", ")
    return "\(kind.rawValue)\(which): \(target) id \(id), key \(key)" + (place.isEmpty ? "" : " (\(place))")
  }

  /// The difference as JSON.
  public var json: JSON {
    [
      "kind": .string(kind.rawValue), "file": file.map(JSON.string) ?? .null,
      "table": table.map(JSON.string) ?? .null,
      "target": .string(target), "id": .string(id), "key": .string(key),
      "columns": .array(columns.map(JSON.string)),
    ]
  }
}

/// What a comparison of every row found.
public struct VerificationReport: Sendable {
  /// Rows compared, value for value.
  public var compared = 0
  /// Rows that were compared by an earlier run, and have changed on neither side since.
  public var unchanged = 0
  /// Rows that are the same on both sides, as far as was compared by this run or an earlier one.
  public var proved: Int { compared + unchanged }
  /// Rows of the source that stand in `agent_import_rejects`.
  public var rejected = 0
  /// Imported rows that an agent has deleted since, through the library.
  public var deleted = 0
  /// Memories, tools, metrics and executions that agents have written since, through the library.
  public var written = 0
  /// How many rows differ.
  public var differenceCount = 0
  /// The first of them.
  public var differences: [Difference] = []
  /// Seconds that it took.
  public var seconds = 0.0

  /// The most differences that a report lists.
  public static let mostDifferences = 100

  /// An empty comparison.
  public init() {}

  /// Counts a difference, and keeps it while there is room.
  mutating func add(_ difference: Difference) {
    differenceCount += 1
    if differences.count < Self.mostDifferences { differences.append(difference) }
  }

  /// Counts differences that are not told one by one.
  mutating func count(_ more: Int) { differenceCount += more }

  /// Adds what the comparison of another file found.
  mutating func add(_ other: VerificationReport) {
    compared += other.compared
    unchanged += other.unchanged
    rejected += other.rejected
    deleted += other.deleted
    written += other.written
    seconds += other.seconds
    differenceCount += other.differenceCount
    differences += other.differences.prefix(max(0, Self.mostDifferences - differences.count))
  }

  /// 4 where a row differs, else 0.
  public var exitCode: Int32 { differenceCount > 0 ? 4 : 0 }

  /// The comparison as JSON.
  public var json: JSON {
    [
      "verified": .bool(differenceCount == 0), "rows_compared": .integer(compared),
      "rows_unchanged_since_compared": .integer(unchanged),
      "rejected": .integer(rejected),
      "deleted_since": .integer(deleted), "written_since": .integer(written),
      "difference_count": .integer(differenceCount), "differences": .array(differences.map(\.json)),
      "duration_seconds": .real(seconds) ?? .null,
    ]
  }
}
