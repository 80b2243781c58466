// The one error of this layer: what failed, in which file, in which statement, and what to do.

internal import CSQLite
internal import Glibc

/// What SQLite, or this layer, could not do.
public struct SQLiteError: Error, Hashable, Sendable {
  /// The result code; `switch` on it with primary codes.
  public let code: SQLiteCode
  /// What happened, in SQLite's words or ours.
  public let message: String
  /// The statement's text, with placeholders where its values were bound.
  public let sql: String?
  /// The database file.
  public let path: String

  /// Describes a failure of a statement, or of the file where there is no statement.
  public init(code: SQLiteCode, message: String, sql: String? = nil, path: String) {
    self.code = code
    self.message = message
    self.sql = sql
    self.path = path
  }

  /// Whether the same call may succeed later: nothing was changed, only a lock was not given.
  public var isSafeToRetry: Bool {
    switch code {
    case .busy, .locked, .lockingProtocol: true
    default: false
    }
  }
}

// MARK: - Making one

extension SQLiteError {
  /// Takes the code and the words of the last failed call on the connection.
  static func last(of handle: OpaquePointer?, sql: String?, path: String) -> SQLiteError {
    let code = unsafe SQLiteCode(rawValue: sqlite3_extended_errcode(handle))
    return unsafe SQLiteError(
      code: code, message: String(cString: sqlite3_errmsg(handle)), sql: sql, path: path)
  }

  /// Says that a database was used after `close()`.
  static func closed(path: String) -> SQLiteError {
    SQLiteError(code: .misuse, message: "the database was closed before this call", path: path)
  }

  /// Says that a transaction was used after its body.
  static func transactionEnded(path: String) -> SQLiteError {
    SQLiteError(code: .misuse, message: "the transaction has ended before this call", path: path)
  }

  /// Says that a failure has undone a transaction whose body goes on.
  static func transactionUndone(path: String) -> SQLiteError {
    SQLiteError(
      code: .abort, message: "a failure has undone the whole transaction before this call", path: path)
  }

  /// Says that another task's transaction lasted longer than the busy limit.
  static func writerOnLoan(path: String) -> SQLiteError {
    SQLiteError(
      code: .busy, message: "a transaction of this process kept the database to itself for too long",
      path: path)
  }
}

extension SQLiteError {
  /// Adds the system's reason (errno) for the call that failed just now.
  static func system(_ code: SQLiteCode, _ message: String, path: String) -> SQLiteError {
    let reason = unsafe String(cString: strerror(errno))
    return SQLiteError(code: code, message: "\(message): \(reason)", path: path)
  }
}

// MARK: - Words

extension SQLiteError: CustomStringConvertible {
  /// One line: file, what happened, what to do, and the statement's text; never a bound value.
  public var description: String {
    var line = "\(path): \(message) (SQLite \(code.rawValue))"
    if let advice { line += "; \(advice)" }
    if let sql { line += "; in: \(Self.oneLine(sql))" }
    return line
  }

  /// What the reader can do about it.
  private var advice: String? {
    switch code {
    case .busy: "another transaction holds the lock: try again, or raise the busy limit"
    case .locked: "a statement of this connection is still open: end it first"
    case .readOnly: "make the file and its folder writable"
    case .corrupt: "restore a backup, or save what can be read with the sqlite3 command's .recover"
    case .full: "free space on the disk, then try again"
    case .cannotOpen: "check that the file is there and that it and its folder may be opened"
    case .notADatabase: "the file is something else, or encrypted: decrypt it first, or leave it out"
    case .notAuthorized: "the caller of the body begins and ends the transaction"
    default: nil
    }
  }

  /// The text on one line, its middle left out where it is long.
  private static func oneLine(_ sql: String) -> String {
    let words = sql.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard words.count > 400 else { return words }
    return "\(words.prefix(300)) … \(words.suffix(60))"
  }
}
