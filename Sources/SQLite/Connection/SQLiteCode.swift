// SQLite's result codes, open to those that a later SQLite adds.

/// A result code of SQLite: the primary code in the low byte, an extended one above it.
///
/// In a `switch`, a primary code matches every extended code of its family:
/// `case .busy` catches SQLITE_BUSY_SNAPSHOT too. `==` compares exactly.
public struct SQLiteCode: RawRepresentable, Hashable, Sendable {
  /// The number, as sqlite3.h defines it.
  public let rawValue: Int32

  /// Takes the number as sqlite3.h defines it.
  public init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// The family that this code belongs to.
  public var primary: SQLiteCode { SQLiteCode(rawValue: rawValue & 0xff) }

  /// Whether the value is this code, or an extended code of this family.
  public static func ~= (pattern: SQLiteCode, value: SQLiteCode) -> Bool {
    pattern == value || pattern == value.primary
  }
}

// MARK: - The codes that callers tell apart

extension SQLiteCode {
  /// An error in the SQL text.
  public static let error = SQLiteCode(rawValue: 1)
  /// A failure had undone the transaction before.
  public static let abort = SQLiteCode(rawValue: 4)
  /// Another connection held a lock for longer than the busy limit.
  public static let busy = SQLiteCode(rawValue: 5)
  /// The snapshot of a deferred transaction is too old to write on.
  public static let busySnapshot = SQLiteCode(rawValue: 5 | 2 << 8)
  /// A statement of the same connection holds a lock.
  public static let locked = SQLiteCode(rawValue: 6)
  /// The file, its folder or the connection is read-only.
  public static let readOnly = SQLiteCode(rawValue: 8)
  /// The statement was interrupted.
  public static let interrupt = SQLiteCode(rawValue: 9)
  /// The operating system reported an error.
  public static let inputOutput = SQLiteCode(rawValue: 10)
  /// The file's content contradicts itself.
  public static let corrupt = SQLiteCode(rawValue: 11)
  /// The disk is full.
  public static let full = SQLiteCode(rawValue: 13)
  /// The file cannot be opened.
  public static let cannotOpen = SQLiteCode(rawValue: 14)
  /// Connections could not agree on who recovers the write-ahead log.
  public static let lockingProtocol = SQLiteCode(rawValue: 15)
  /// A value or a row is above SQLite's limit.
  public static let tooBig = SQLiteCode(rawValue: 18)
  /// A constraint was violated.
  public static let constraint = SQLiteCode(rawValue: 19)
  /// A foreign key has no parent.
  public static let constraintForeignKey = SQLiteCode(rawValue: 19 | 3 << 8)
  /// A unique value is there already.
  public static let constraintUnique = SQLiteCode(rawValue: 19 | 8 << 8)
  /// A value that SQLite cannot hold as what it is, such as NaN.
  public static let mismatch = SQLiteCode(rawValue: 20)
  /// The caller's mistake, such as the use of a closed database.
  public static let misuse = SQLiteCode(rawValue: 21)
  /// A statement that is not allowed here.
  public static let notAuthorized = SQLiteCode(rawValue: 23)
  /// A parameter or column that the statement does not have.
  public static let range = SQLiteCode(rawValue: 25)
  /// The file is no SQLite database, or is encrypted.
  public static let notADatabase = SQLiteCode(rawValue: 26)
}
