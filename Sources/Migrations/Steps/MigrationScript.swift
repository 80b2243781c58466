// The SQL of a step, read: its directives, and what is run as one.

internal import Postgres
internal import SQLite

/// The SQL of a step as it is run.
struct MigrationScript: Sendable {
  /// A statement.
  struct Statement: Sendable, Hashable {
    let text: String
    /// The line of its first word, from 1.
    let line: Int
    /// Its first word, in upper case.
    let keyword: String
  }

  /// What is one transaction in a step that has none of its own.
  struct Unit: Sendable, Hashable {
    let statements: [Statement]
    /// Whether BEGIN and COMMIT, which are left out, stood around it.
    let isBlock: Bool
    /// Whether it is run again until it changes no row.
    let isBatch: Bool
  }

  let isTransactional: Bool
  /// Whether a way down puts everything where the older schema has it, so that nothing is to be kept aside.
  let keepsNothing: Bool
  let units: [Unit]

  /// All statements, in order.
  var statements: [Statement] { units.flatMap(\.statements) }

  private static let marker = "-- agentbase:"
  private static let noTransaction = "no-transaction"
  private static let batch = "batch"
  private static let keepNothing = "keep-nothing"

  /// Whether the text has a transaction, without reading it.
  static func isTransactional(_ sql: String) -> Bool {
    !directives(in: sql).contains(noTransaction)
  }

  /// Reads the text of a step.
  ///
  /// - Throws: `invalidScript`.
  init(_ sql: String, of label: String, _ dialect: MigrationDialect) throws(MigrationError) {
    let directives = Self.directives(in: sql)
    isTransactional = !directives.contains(Self.noTransaction)
    keepsNothing = directives.contains(Self.keepNothing)
    let known = [Self.noTransaction, Self.batch, Self.keepNothing]
    if let unknown = directives.first(where: { !known.contains($0) }) {
      throw Self.invalid(
        label, nil, "knows no directive \"\(unknown)\"", "there are \(known.joined(separator: ", "))")
    }
    let statements = Self.statements(in: sql, dialect)
    units =
      isTransactional
      ? try Self.plain(statements, of: label) : try Self.units(statements, of: label)
  }

  /// The queries of a check.
  static func statements(in sql: String, _ dialect: MigrationDialect) -> [Statement] {
    switch dialect {
    case .postgres:
      PostgresScript.statements(in: sql).map { Statement(text: $0.text, line: $0.line, keyword: $0.keyword) }
    case .sqlite:
      SQLiteScript.statements(in: sql).map { Statement(text: $0.text, line: $0.line, keyword: $0.keyword) }
    }
  }

  /// The statements of a step that is one transaction: none of them may begin or end one.
  private static func plain(_ statements: [Statement], of label: String) throws(MigrationError) -> [Unit] {
    for statement in statements {
      if ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT"].contains(statement.keyword) {
        throw invalid(
          label, statement.line, "begins or ends a transaction (\(statement.keyword))",
          "a step is one transaction by itself; where it cannot be, begin its file with \(marker) \(noTransaction)"
        )
      }
      if directives(in: statement.text).contains(batch) {
        throw invalid(
          label, statement.line, "has a batch in its one transaction",
          "batches are transactions of their own: begin the file with \(marker) \(noTransaction)")
      }
    }
    return statements.map { Unit(statements: [$0], isBlock: false, isBatch: false) }
  }

  private static func units(_ statements: [Statement], of label: String) throws(MigrationError) -> [Unit] {
    var units: [Unit] = []
    var block: (begin: Statement, statements: [Statement])?
    for statement in statements {
      switch (statement.keyword, block) {
      case ("BEGIN", nil), ("START", nil): block = (statement, [])
      case ("COMMIT", let open?), ("END", let open?):
        let isBatch = directives(in: open.begin.text).contains(batch)
        units.append(Unit(statements: open.statements, isBlock: true, isBatch: isBatch))
        block = nil
      case ("BEGIN", _), ("START", _), ("COMMIT", _), ("END", _), ("ROLLBACK", _), ("ABORT", _):
        throw invalid(
          label, statement.line, "has a \(statement.keyword) that has no place there",
          "BEGIN … COMMIT hold statements together; what fails is undone by itself")
      case (_, .some): block?.statements.append(statement)
      case (_, nil):
        let isBatch = directives(in: statement.text).contains(batch)
        if isBatch, !["INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "REPLACE"].contains(statement.keyword) {
          throw invalid(
            label, statement.line, "has a batch that changes no rows (\(statement.keyword))",
            "a batch is an INSERT, UPDATE or DELETE, or a block of BEGIN … COMMIT")
        }
        units.append(Unit(statements: [statement], isBlock: false, isBatch: isBatch))
      }
    }
    if let block {
      throw invalid(label, block.begin.line, "has a BEGIN without its COMMIT", "end the block")
    }
    return units
  }

  /// The words behind the marker, on lines of their own.
  private static func directives(in sql: String) -> [String] {
    guard sql.contains(marker) else { return [] }
    return sql.split(whereSeparator: \.isNewline).compactMap { line in
      let line = line.drop { $0 == " " || $0 == "\t" }
      guard line.hasPrefix(marker) else { return nil }
      return line.dropFirst(marker.count).split(separator: " ").first.map(String.init) ?? ""
    }
  }

  private static func invalid(
    _ label: String, _ line: Int?, _ what: String, _ advice: String
  ) -> MigrationError {
    MigrationError(
      .invalidScript, "step \(label)\(line.map { ", line \($0)" } ?? "") \(what)", advice: advice, line: line)
  }
}

/// How many rows the statements of a unit have changed.
struct ChangedRows: Sendable {
  /// Those of the last statement: where it is 0, a batch has come to its end.
  private(set) var last = 0
  private var before = 0
  private var statements = 0

  /// Those that are told of: of several statements, the last is left out, which moves a mark on.
  var rows: Int { statements > 1 ? before : last }

  mutating func add(_ count: Int) {
    before += last
    last = count
    statements += 1
  }
}
