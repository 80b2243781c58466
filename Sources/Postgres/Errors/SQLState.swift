// The server's error codes.

/// A code of five characters by which the server names a condition (PostgreSQL manual, appendix A).
///
/// Open: any code can be made from its text. `SQLState.uniqueViolation ~= error.sqlState`.
public struct SQLState: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral {
  /// The five characters.
  public let rawValue: String

  /// A code from its five characters.
  public init(rawValue: String) { self.rawValue = rawValue }
  /// A code from its five characters.
  public init(stringLiteral value: String) { rawValue = value }

  /// The first two characters: the class of the condition, such as `23` for violated constraints.
  public var conditionClass: Substring { rawValue.prefix(2) }

  // MARK: - Codes that the driver or its users act on

  /// 0A000; also what a prepared statement answers whose result columns have changed.
  public static let featureNotSupported: SQLState = "0A000"
  /// 22P02: text that is not a value of the type.
  public static let invalidTextRepresentation: SQLState = "22P02"
  /// 23503: the row that is referred to is not there.
  public static let foreignKeyViolation: SQLState = "23503"
  /// 23505: the key is there already.
  public static let uniqueViolation: SQLState = "23505"
  /// 23514: a check failed.
  public static let checkViolation: SQLState = "23514"
  /// 25006: the transaction, or the whole server, only reads.
  public static let readOnlyTransaction: SQLState = "25006"
  /// 26000: no prepared statement of that name.
  public static let invalidStatementName: SQLState = "26000"
  /// 28P01: wrong password.
  public static let invalidPassword: SQLState = "28P01"
  /// 3D000: no such database.
  public static let invalidCatalogName: SQLState = "3D000"
  /// 40001: the transaction must be run again.
  public static let serializationFailure: SQLState = "40001"
  /// 40P01: the transaction was chosen to end a deadlock.
  public static let deadlockDetected: SQLState = "40P01"
  /// 42501: a right is missing.
  public static let insufficientPrivilege: SQLState = "42501"
  /// 42601: the SQL is not well formed.
  public static let syntaxError: SQLState = "42601"
  /// 42703: no such column.
  public static let undefinedColumn: SQLState = "42703"
  /// 42883: no such function; also a type that has no binary form.
  public static let undefinedFunction: SQLState = "42883"
  /// 42P01: no such table.
  public static let undefinedTable: SQLState = "42P01"
  /// 53300: the server has no connection left.
  public static let tooManyConnections: SQLState = "53300"
  /// 57014: the statement was cancelled, by a request or by `statement_timeout`.
  public static let queryCanceled: SQLState = "57014"
  /// 57P01: an administrator ended the connection or the server.
  public static let adminShutdown: SQLState = "57P01"
  /// 57P03: the server is starting up or shutting down.
  public static let cannotConnectNow: SQLState = "57P03"

  /// Whether a statement, or its whole transaction, that failed with this code did nothing and may succeed when run again.
  var isTransient: Bool {
    switch self {
    case .serializationFailure, .deadlockDetected, .tooManyConnections, .cannotConnectNow: true
    default: false
    }
  }
}
