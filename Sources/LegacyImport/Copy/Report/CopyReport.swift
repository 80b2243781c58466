// The report of a copy: what became of each table's rows, of its sequences, and of what does not come along.

public import AgentBase

/// What the copy of a database did.
public struct CopyReport: Sendable {
  /// A sequence of Postgres that hands out numbers after the copied ones.
  public struct Sequence: Sendable {
    /// The table whose column it serves.
    public let table: String
    /// The column that it serves.
    public let column: String
    /// Its name.
    public let name: String
    /// The last value that it counts as handed out; nil where it has handed out none.
    public let value: Int64?
    /// Whether this run has set it.
    public let isSet: Bool
    /// Why it could not be set; nil where nothing was in the way.
    public let problem: String?

    /// The sequence as JSON.
    public var json: JSON {
      [
        "table": .string(table), "column": .string(column), "sequence": .string(name),
        "value": value.map { .integer($0) } ?? .null, "set": .bool(isSet),
        "problem": problem.map(JSON.string) ?? .null,
      ]
    }
  }

  /// When the run began, RFC 3339, UTC.
  public let date: String
  /// Whether nothing was written.
  public let isDryRun: Bool
  /// The file.
  public let file: String
  /// The schema of Postgres; empty before it is known.
  public internal(set) var schema = ""
  /// One account a table that was read, in the order in which they were loaded.
  public internal(set) var tables: [TableReport] = []
  /// What does not come along, or comes along changed.
  public internal(set) var omissions: [Omission] = []
  /// Tables that the user named, or that Postgres has, and that the file lacks.
  public internal(set) var notInFile: [String] = []
  /// The sequences of the tables that were loaded.
  public internal(set) var sequences: [Sequence] = []
  /// What failed, each in one line: the other tables are done.
  public internal(set) var errors: [String] = []
  /// What the user should know, each in one line.
  public internal(set) var warnings: [String] = []
  /// How fast it went.
  public internal(set) var rates = RunRates()
  /// The proof; nil where none was asked for or reached.
  public internal(set) var verification: VerificationReport?
  /// Seconds that the run took.
  public internal(set) var seconds = 0.0

  init(date: String, isDryRun: Bool, file: String) {
    self.date = date
    self.isDryRun = isDryRun
    self.file = file
  }

  // MARK: - Sums

  /// Rows read.
  public var read: Int { tables.reduce(0) { $0 + $1.read } }
  /// Rows that this run has loaded.
  public var loaded: Int { tables.reduce(0) { $0 + $1.loaded } }
  /// Rows that were there.
  public var alreadyThere: Int { tables.reduce(0) { $0 + $1.alreadyThere } }
  /// Rows that Postgres cannot hold.
  public var rejected: Int { tables.reduce(0) { $0 + $1.rejected } }

  /// 0 done; 1 a table failed; 3 rows were rejected; 4 the proof found a difference.
  public var exitCode: Int32 {
    if !errors.isEmpty { return 1 }
    if let verification, verification.exitCode != 0 { return verification.exitCode }
    return rejected > 0 ? 3 : 0
  }

  // MARK: - JSON

  /// The report as JSON.
  public var json: JSON {
    [
      "migration_date": .string(date), "dry_run": .bool(isDryRun), "file": .string(file),
      "schema": .string(schema), "success": .bool(errors.isEmpty), "total_tables": .integer(tables.count),
      "total_read": .integer(read), "total_loaded": .integer(loaded),
      "total_already_there": .integer(alreadyThere), "total_rejected": .integer(rejected),
      "duration_seconds": .real(seconds) ?? .null, "tables": .array(tables.map(\.json)),
      "omissions": .array(omissions.map(\.json)), "not_in_file": .array(notInFile.map(JSON.string)),
      "sequences": .array(sequences.map(\.json)), "errors": .array(errors.map(JSON.string)),
      "warnings": .array(warnings.map(JSON.string)), "rates": rates.json,
      "verification": verification?.json ?? .null,
    ]
  }
}
