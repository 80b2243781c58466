// What the server says in an error or a notice, field by field.

import CPostgres

/// The fields of an error or a notice of the server (PostgreSQL manual, "Error and Notice Message Fields").
public struct PostgresServerFields: Sendable, Hashable {
  /// The code of the condition.
  public var sqlState: SQLState
  /// `ERROR`, `FATAL`, `PANIC`, `WARNING`, `NOTICE`, `INFO`, `LOG` or `DEBUG`, never translated.
  public var severity: String
  /// What happened, in one line, in the server's language.
  public var message: String
  /// More about it. May quote values of the row.
  public var detail: String?
  /// What to do about it.
  public var hint: String?
  /// Where in the SQL text it happened, in characters from 1.
  public var position: Int?
  /// The functions, rules and COPY lines in which it happened. May quote values of the row.
  public var context: String?
  /// The schema of the object that is concerned.
  public var schema: String?
  /// The table that is concerned.
  public var table: String?
  /// The column that is concerned.
  public var column: String?
  /// The type that is concerned.
  public var dataType: String?
  /// The constraint that is concerned.
  public var constraint: String?
  /// The C function of the server that reports it.
  public var routine: String?

  /// Fields with a code, a severity and a message alone.
  public init(sqlState: SQLState, severity: String, message: String) {
    self.sqlState = sqlState
    self.severity = severity
    self.message = message
  }

  /// Whether the server ends the connection with this.
  var isFatal: Bool { severity == "FATAL" || severity == "PANIC" }
}

extension PostgresServerFields {
  /// Reads the fields of a result; `nil` if it holds no code, as errors that libpq makes itself do not.
  @unsafe init?(_ result: OpaquePointer) {
    func field(_ code: Character) -> String? {
      guard let ascii = code.asciiValue, let text = unsafe PQresultErrorField(result, Int32(ascii)) else {
        return nil
      }
      return unsafe String(cString: text)
    }
    guard let sqlState = field("C") else { return nil }
    self.sqlState = SQLState(rawValue: sqlState)
    severity = field("V") ?? field("S") ?? "ERROR"
    message = field("M") ?? ""
    detail = field("D")
    hint = field("H")
    position = field("P").flatMap { Int($0) }
    context = field("W")
    schema = field("s")
    table = field("t")
    column = field("c")
    dataType = field("d")
    constraint = field("n")
    routine = field("R")
  }
}
