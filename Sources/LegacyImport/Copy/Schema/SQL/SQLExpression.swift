// Expressions and queries of SQLite's SQL, as they are written.

/// An expression.
indirect enum SQLExpression: Sendable, Hashable {
  case null
  /// Decimal digits.
  case integer(String)
  case real(String)
  case string(String)
  /// Hexadecimal digits.
  case blob(String)
  case boolean(Bool)
  /// `CURRENT_TIMESTAMP`, `CURRENT_DATE` or `CURRENT_TIME`.
  case current(String)
  case column(SQLColumnName)
  /// `-`, `+`, `~` or `NOT`.
  case unary(String, SQLExpression)
  case binary(String, SQLExpression, SQLExpression)
  /// `IS`, or `IS NOT`.
  case same(SQLExpression, SQLExpression, isNegated: Bool)
  case between(SQLExpression, SQLExpression, SQLExpression, isNegated: Bool)
  case inList(SQLExpression, [SQLExpression], isNegated: Bool)
  case inQuery(SQLExpression, SQLSelect, isNegated: Bool)
  /// `LIKE`, `GLOB`, `REGEXP` or `MATCH`.
  case like(String, SQLExpression, pattern: SQLExpression, escape: SQLExpression?, isNegated: Bool)
  case choice(base: SQLExpression?, cases: [SQLCase], otherwise: SQLExpression?)
  case cast(SQLExpression, type: String)
  case collate(SQLExpression, String)
  case call(SQLCall)
  case row([SQLExpression])
  case exists(SQLSelect)
  case query(SQLSelect)
}

/// A column, perhaps with its table.
struct SQLColumnName: Sendable, Hashable {
  var table: String?
  var name: String
  /// Whether it may be a string instead, as SQLite takes it where no such column is.
  var isDoubleQuoted = false
}

/// A WHEN and its THEN.
struct SQLCase: Sendable, Hashable {
  var condition: SQLExpression
  var result: SQLExpression
}

/// A call of a function.
struct SQLCall: Sendable, Hashable {
  /// In lower case.
  var name: String
  var arguments: [SQLExpression] = []
  /// Whether it is called with `*`.
  var isStar = false
  var isDistinct = false
  var filter: SQLExpression?
  var window: SQLWindow?
}

/// What follows OVER.
struct SQLWindow: Sendable, Hashable {
  var partition: [SQLExpression] = []
  var order: [SQLOrderTerm] = []
}

/// A term of ORDER BY.
struct SQLOrderTerm: Sendable, Hashable {
  var expression: SQLExpression
  var isDescending = false
  /// `NULLS FIRST` (true) or `NULLS LAST` (false), where it is said.
  var nullsFirst: Bool?
}

/// A query.
struct SQLSelect: Sendable, Hashable {
  /// A common table expression.
  struct CommonTable: Sendable, Hashable {
    var name: String
    var columns: [String]
    var query: SQLSelect
  }

  /// One SELECT of a compound.
  struct Core: Sendable, Hashable {
    var isDistinct = false
    var results: [ResultColumn] = []
    var source: Source?
    var condition: SQLExpression?
    var groups: [SQLExpression] = []
    var having: SQLExpression?
    /// The rows of VALUES; empty for a SELECT.
    var rows: [[SQLExpression]] = []
  }

  /// What a SELECT answers.
  enum ResultColumn: Sendable, Hashable {
    /// `*`, or `table.*`.
    case all(table: String?)
    case expression(SQLExpression, alias: String?, text: String)
  }

  /// Where a SELECT reads.
  indirect enum Source: Sendable, Hashable {
    case table(name: String, alias: String?)
    case query(SQLSelect, alias: String?)
    case join(Source, kind: String, Source, on: SQLExpression?, using: [String])
  }

  var commonTables: [CommonTable] = []
  var isRecursive = false
  var cores: [Core] = []
  /// `UNION`, `UNION ALL`, `INTERSECT` or `EXCEPT`, one between every two.
  var operators: [String] = []
  var order: [SQLOrderTerm] = []
  var limit: SQLExpression?
  var offset: SQLExpression?
}
