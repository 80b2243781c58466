// A change of a table as ready-made steps: what they have in common.

/// A change of a table as steps, each with its way back and its checks. All of it is SQL: `migrations(from:)` gives the steps
/// their numbers, and ``MigrationFolder/write(_:to:)`` makes files of them.
///
/// A change is made at once, in one step and one transaction; or gradually, in three: the first begins the time in which old and new
/// code write side by side, each in its own shape, and triggers keep both in step; the second fills in what was there, in batches;
/// the third ends that time. Up to it, the way back loses nothing that either has written, and behind it too.
public struct SchemaChange: Sendable, Hashable {
  /// How a change is made.
  public enum Pace: Sendable, Hashable {
    /// In one step and one transaction: for tables that may be locked for as long as it takes to write all rows.
    case atOnce
    /// In three steps, old and new code side by side, rows in batches of this many.
    case gradual(batch: Int)
  }

  /// A column in which each row says the version of its shape, as guide 4's `schema_version`.
  public struct RowVersion: Sendable, Hashable {
    let column: String
    let from: Int
    let to: Int

    /// A column, the version that rows have before the change, and the one that they get.
    public init(_ column: String = "schema_version", from: Int, to: Int) {
      self.column = column
      self.from = from
      self.to = to
    }
  }

  /// The table that is changed, by what its rows are known by, and how.
  public struct Table: Sendable, Hashable {
    let name: String
    let key: String
    let dialect: MigrationDialect
    var rowVersion: RowVersion?

    /// A table with its primary key, of one column.
    public init(_ name: String, key: String, _ dialect: MigrationDialect, rowVersion: RowVersion? = nil) {
      self.name = name
      self.key = key
      self.dialect = dialect
      self.rowVersion = rowVersion
    }
  }

  /// A step without its number.
  struct Part: Sendable, Hashable {
    var name: String
    var up: [String]
    var down: [String]
    var checkBefore: [String] = []
    var checkAfter: [String] = []
    /// Whether each of its statements is a transaction of its own.
    var isGradual = false
    /// Whether its way back puts everything where the older schema has it, so that nothing has to be kept aside.
    var carriesAll = false
  }

  let parts: [Part]

  init(_ parts: [Part]) { self.parts = parts }

  /// The steps, numbered from this one on.
  public func migrations(from version: Int) -> [Migration] {
    parts.enumerated().map { place, part in
      Migration(
        version: version + place, name: part.name, up: Self.script(part.up, part),
        down: Self.script(part.down, part),
        checkBefore: part.checkBefore.isEmpty ? nil : Self.script(part.checkBefore),
        checkAfter: part.checkAfter.isEmpty ? nil : Self.script(part.checkAfter))
    }
  }

  private static func script(_ statements: [String], _ part: Part? = nil) -> String {
    var text = ""
    if part?.isGradual == true { text += "-- agentbase: no-transaction\n\n" }
    if part?.carriesAll == true { text += "-- agentbase: keep-nothing\n\n" }
    return text + statements.map { $0 + ";\n" }.joined(separator: "\n")
  }
}

// MARK: - SQL

extension SchemaChange.Table {
  func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
  func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

  var sql: String { quoted(name) }
  var keySQL: String { quoted(key) }

  /// A table beside this one, such as that of the rows that lacked something before a change.
  func side(_ suffix: String) -> String { quoted("\(name)_\(suffix)") }

  /// Statements that make a table of keys with what was true of their rows.
  func makeSide(_ suffix: String) -> [String] {
    [
      "CREATE TABLE IF NOT EXISTS \(side(suffix)) AS SELECT \(keySQL) AS held, 'absent' AS was FROM \(sql) LIMIT 0",
      "CREATE UNIQUE INDEX IF NOT EXISTS \(side(suffix + "_held")) ON \(side(suffix)) (held)",
    ]
  }

  /// A check that no row answers.
  func none(_ rows: String, _ complaint: String) -> String {
    "SELECT count(*) = 0, count(*) || \(literal(" " + complaint)) FROM \(rows)"
  }

  /// A check that the table lacks a column, or has it.
  func column(_ column: String, exists: Bool) -> String {
    let count = exists ? 1 : 0
    let complaint = literal(
      "\(name) \(exists ? "has no column" : "has a column") \(column)\(exists ? "" : " already")")
    return switch dialect {
    case .sqlite:
      "SELECT count(*) = \(count), \(complaint) FROM pragma_table_info(\(literal(name))) WHERE name = \(literal(column))"
    case .postgres:
      """
      SELECT count(*) = \(count), \(complaint) FROM pg_attribute
        WHERE attrelid = to_regclass(\(literal(sql))) AND attname = \(literal(column)) AND NOT attisdropped
      """
    }
  }

  // MARK: Row versions

  /// The check that rows have the version that they are to have before.
  var rowVersionCheck: [String] {
    guard let rowVersion else { return [] }
    return [
      none(
        "\(sql) WHERE \(quoted(rowVersion.column)) <> \(rowVersion.from)",
        "rows of \(name) have another \(rowVersion.column) than \(rowVersion.from)")
    ]
  }

  /// Gives rows their new version, or the old one again.
  func setRowVersion(_ direction: MigrationDirection, part: String? = nil) -> [String] {
    guard let rowVersion else { return [] }
    let column = quoted(rowVersion.column)
    let (from, to) = direction == .up ? (rowVersion.from, rowVersion.to) : (rowVersion.to, rowVersion.from)
    let rows = "\(column) = \(from)" + (part.map { " AND \($0)" } ?? "")
    return ["UPDATE \(sql) SET \(column) = \(to) WHERE \(rows)"]
  }

  // MARK: Batches

  /// Statements that walk the whole table by its key, some rows at a time, and run the work for each part.
  ///
  /// - Parameter work: takes the condition by which the rows of a part are known, on the table's own columns.
  func walk(_ suffix: String, batch: Int, _ work: (_ part: String) -> [String]) -> [String] {
    let mark = side("\(suffix)_mark")
    // A part begins behind the last key of the one before, except the first: so no row is done twice, however often a run
    // is cut off.
    let part = """
      \(keySQL) >= (SELECT first FROM \(mark)) AND \(keySQL) <= (SELECT last FROM \(mark))
          AND (\(keySQL) > (SELECT first FROM \(mark)) OR (SELECT done FROM \(mark)) = 0)
      """
    let next = """
      SELECT held FROM (SELECT \(keySQL) AS held FROM \(sql)
          WHERE \(keySQL) > \(mark).last ORDER BY \(keySQL) LIMIT \(batch)) AS following ORDER BY held DESC LIMIT 1
      """
    return [
      // Both are of the key's own type.
      """
      CREATE TABLE IF NOT EXISTS \(mark) AS
        SELECT \(keySQL) AS first, \(keySQL) AS last, 0 AS done FROM \(sql) ORDER BY \(keySQL) LIMIT 1
      """,
      (["-- agentbase: batch\nBEGIN"] + work(part) + [
        """
        UPDATE \(mark) SET first = last, done = 1, last = coalesce((
          \(next)), last)
          WHERE done = 0 OR first <> last
        """
      ] + ["COMMIT"]).joined(separator: ";\n"),
      "DROP TABLE \(mark)",
    ]
  }
}
