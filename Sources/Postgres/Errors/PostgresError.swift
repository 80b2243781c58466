// The one error of the driver.

/// What went wrong between us and the server, with all that the server said of it.
///
/// `description` is one or two lines and holds neither a password nor bound values: `server` holds what the server said
/// word for word, which may quote values.
public struct PostgresError: Error, Sendable {
  /// The kind of an error. Open: more may come.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The name of the kind.
    public let rawValue: String
    /// A kind by its name.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// The name of the kind.
    public var description: String { rawValue }

    /// The server refused a statement; `server` holds its fields.
    public static let server = Code(rawValue: "server")
    /// No connection could be made.
    public static let connectionFailed = Code(rawValue: "connectionFailed")
    /// The connection broke; `isSafeToRetry` says whether before the statement was sent.
    public static let connectionLost = Code(rawValue: "connectionLost")
    /// The task was cancelled.
    public static let cancelled = Code(rawValue: "cancelled")
    /// A time limit of ours has passed.
    public static let timedOut = Code(rawValue: "timedOut")
    /// An earlier statement of the pipeline failed, so this one was not run.
    public static let pipelineAborted = Code(rawValue: "pipelineAborted")
    /// COMMIT was answered by ROLLBACK, since a statement had failed before it.
    public static let transactionAborted = Code(rawValue: "transactionAborted")
    /// No connection of the pool became free within the limit.
    public static let poolExhausted = Code(rawValue: "poolExhausted")
    /// The pool is closed, or is being closed.
    public static let poolClosed = Code(rawValue: "poolClosed")
    /// A value cannot be sent as it is, such as text with a NUL.
    public static let encoding = Code(rawValue: "encoding")
    /// A received value is not of the type that was asked for.
    public static let decoding = Code(rawValue: "decoding")
    /// The server answered what it must not.
    public static let protocolViolation = Code(rawValue: "protocolViolation")
    /// The connection string is wrong.
    public static let invalidConfiguration = Code(rawValue: "invalidConfiguration")
    /// The call is not possible in this state, such as a query inside the body of a COPY.
    public static let misuse = Code(rawValue: "misuse")
  }

  /// The kind.
  public var code: Code
  /// What failed, without values: our own words, or the server's message.
  public var message: String
  /// What the server said, where it said something.
  public var server: PostgresServerFields?
  /// The SQL text that was run, without values.
  public var sql: String?
  /// Whether the same call, or the whole transaction that it was part of, can be run again without the risk that its
  /// effects happen twice, and may then succeed.
  public var isSafeToRetry: Bool

  /// The server's code, where it sent one.
  public var sqlState: SQLState? { server?.sqlState }

  /// An error of ours.
  public init(
    _ code: Code, _ message: String, server: PostgresServerFields? = nil, sql: String? = nil,
    isSafeToRetry: Bool = false
  ) {
    self.code = code
    self.message = message
    self.server = server
    self.sql = sql
    self.isSafeToRetry = isSafeToRetry
  }

  /// The server's refusal of a statement.
  init(_ fields: PostgresServerFields, sql: String?) {
    code = .server
    message = fields.message
    server = fields
    self.sql = sql
    isSafeToRetry = fields.sqlState.isTransient || fields.namesStalePlan
  }

  static func cancelled(sql: String? = nil) -> PostgresError {
    PostgresError(.cancelled, "the task was cancelled", sql: sql)
  }
}

extension PostgresServerFields {
  /// Whether a prepared statement is gone or no longer fits the tables: the statement did nothing.
  var namesStalePlan: Bool {
    sqlState == .invalidStatementName
      || (sqlState == .featureNotSupported && routine == "RevalidateCachedQuery")
  }
}

// MARK: - Text

extension PostgresError: CustomStringConvertible {
  /// One or two lines: what failed, the server's code, table and constraint; then the detail or the hint.
  public var description: String {
    guard let server else { return message }
    var first = code == .server ? "" : message + ": "
    first += Redaction.message(of: server)
    var place: [String] = [server.sqlState.rawValue]
    if let table = server.table { place.append("table " + (server.schema.map { $0 + "." } ?? "") + table) }
    if let column = server.column { place.append("column " + column) }
    if let constraint = server.constraint { place.append("constraint " + constraint) }
    first += " (" + place.joined(separator: ", ") + ")"
    let second = [Redaction.detail(of: server), server.hint.map { "Hint: " + $0 }].compactMap { $0 }
    return second.isEmpty ? first : first + "\n" + second.joined(separator: " ").replacing("\n", with: " ")
  }

  /// All that is known, for developers: the server's words with the values that they quote, and the SQL text.
  public var expandedDescription: String {
    var lines = [server.map { "\($0.severity) \($0.sqlState.rawValue): \($0.message)" } ?? message]
    if server != nil, code != .server { lines.insert(message, at: 0) }
    if let detail = server?.detail { lines.append("Detail: " + detail) }
    if let hint = server?.hint { lines.append("Hint: " + hint) }
    if let context = server?.context { lines.append("Context: " + context) }
    if let sql { lines.append("SQL: " + sql) }
    return lines.joined(separator: "\n")
  }
}
