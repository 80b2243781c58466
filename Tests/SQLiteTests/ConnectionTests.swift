// Statements, rows, transactions and errors of one connection.

import Foundation
import SQLite
import Testing

@Suite("Connection")
struct ConnectionTests {
  private struct Stop: Error {}

  private func table() throws -> SQLiteConnection {
    let connection = try SQLiteConnection(path: ":memory:")
    try connection.executeScript("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE u (x)")
    return connection
  }

  @Test("A statement tells its columns and reads by storage class")
  func statement() throws {
    let connection = try table()
    try connection.execute("INSERT INTO t VALUES (7, 'seven')")
    #expect(connection.lastInsertRowID == 7)
    var statement = try connection.prepare("SELECT id, v AS word, 1.5, NULL FROM t WHERE id = ?1")
    #expect(statement.columnCount == 4)
    #expect(statement.columnNames == ["id", "word", "1.5", "NULL"])
    #expect(statement.declaredType(1) == "TEXT")
    #expect(statement.declaredType(2) == nil)
    let isReadOnly = statement.isReadOnly
    #expect(isReadOnly)
    try statement.bind(7, at: 1)
    #expect(try statement.step())
    #expect(statement.storageClass(0) == .integer)
    #expect(statement.integer(0) == 7)
    let count = statement.withBytes(1) { $0.count }
    #expect(count == 5)
    #expect(statement.real(2) == 1.5)
    #expect(statement.storageClass(3) == .null)
    #expect(try !statement.step())
  }

  @Test("Rows are read by name and position, and changes are counted")
  func rows() throws {
    let connection = try table()
    #expect(try connection.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')") == 2)
    #expect(try connection.execute("CREATE TABLE w (x)") == 0)
    #expect(try connection.execute("UPDATE t SET v = 'c' WHERE id = 9") == 0)
    let rows = try connection.query("SELECT * FROM t ORDER BY id")
    #expect(rows.map { $0["v"] } == [.text("a"), .text("b")])
    #expect(rows[0]["none"] == nil)
    #expect(try connection.queryOne("SELECT * FROM t WHERE id = 3") == nil)
    var seen: [Int64] = []
    try connection.forEachRow("SELECT id FROM t ORDER BY id DESC") { seen.append($0.integer(0)) }
    #expect(seen == [2, 1])
    // A cached statement sees a column that was added since.
    try connection.execute("ALTER TABLE t ADD COLUMN w DEFAULT 5")
    #expect(try connection.query("SELECT * FROM t ORDER BY id")[0]["w"] == .integer(5))
  }

  @Test("A transaction commits, undoes, nests")
  func transactions() throws {
    let connection = try table()
    try connection.transaction { _ = try connection.execute("INSERT INTO t VALUES (1, 'a')") }
    #expect(throws: Stop.self) {
      try connection.transaction {
        try connection.execute("INSERT INTO t VALUES (2, 'b')")
        throw Stop()
      }
    }
    try connection.transaction {
      try connection.execute("INSERT INTO t VALUES (3, 'c')")
      #expect(throws: Stop.self) {
        try connection.transaction {
          try connection.execute("INSERT INTO t VALUES (4, 'd')")
          throw Stop()
        }
      }
      #expect(connection.isInTransaction)
    }
    #expect(!connection.isInTransaction)
    #expect(try connection.query("SELECT id FROM t").map(\.values) == [[.integer(1)], [.integer(3)]])
  }

  @Test("A commit that fails undoes everything")
  func failedCommit() throws {
    let connection = try table()
    try connection.executeScript(
      """
      PRAGMA foreign_keys = ON;
      CREATE TABLE child (t INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED);
      """)
    let error = #expect(throws: SQLiteError.self) {
      try connection.transaction { _ = try connection.execute("INSERT INTO child VALUES (99)") }
    }
    #expect(error?.code == .constraintForeignKey)
    #expect(!connection.isInTransaction)
    #expect(try connection.query("SELECT * FROM child").isEmpty)
  }

  @Test("Wrong SQL and wrong bindings are errors that show the statement, never a value")
  func errors() throws {
    let connection = try table()
    let syntax = #expect(throws: SQLiteError.self) { try connection.execute("SELEC 1") }
    #expect(syntax?.code == .error)
    #expect(syntax?.description.contains("SELEC 1") == true)
    let two = #expect(throws: SQLiteError.self) { try connection.execute("SELECT 1; SELECT 2") }
    #expect(two?.code == .misuse)
    #expect(try connection.execute("SELECT 1; -- the end") == 0)
    let none = #expect(throws: SQLiteError.self) { try connection.execute(" -- nothing") }
    #expect(none?.code == .misuse)
    let count = #expect(throws: SQLiteError.self) { try connection.execute("SELECT ?", []) }
    #expect(count?.code == .range)
    try connection.execute("CREATE UNIQUE INDEX one ON u (x)")
    try connection.execute("INSERT INTO u VALUES (?)", ["a secret"])
    let twice = #expect(throws: SQLiteError.self) {
      try connection.execute("INSERT INTO u VALUES (?)", ["a secret"])
    }
    #expect(twice?.code == .constraintUnique)
    if case .constraint? = twice?.code {} else { Issue.record("a primary code matches its extended ones") }
    #expect(twice?.description.contains("a secret") == false)
  }

  @Test("Files that cannot be opened or are no database are told apart")
  func files() throws {
    let folder = try DatabaseFolder()
    let missing = #expect(throws: SQLiteError.self) {
      try SQLiteConnection(path: folder.file("none.db"), access: .readOnly)
    }
    #expect(missing?.code == .cannotOpen)
    try
      "This is a text file that is long enough to have a header of a hundred bytes, and even more than that."
      .write(
        toFile: folder.file("text.db"), atomically: true, encoding: .utf8)
    let other = #expect(throws: SQLiteError.self) {
      try SQLiteConnection(path: folder.file("text.db")).query("SELECT * FROM sqlite_schema")
    }
    #expect(other?.code == .notADatabase)
    #expect(other?.description.contains("encrypted") == true)
    // A name with a scheme is a name.
    _ = try SQLiteConnection(path: folder.file("file:x?mode=memory")).execute("CREATE TABLE t (x)")
    #expect(try folder.bytes()["file:x?mode=memory"] != nil)
  }

  @Test("Names are quoted so that they stay names")
  func identifiers() throws {
    let connection = try table()
    let name = "we\"ird; DROP TABLE t\t'é"
    try connection.execute("CREATE TABLE \(SQLiteIdentifier.quoted(name)) (x)")
    #expect(try connection.query("SELECT 1 FROM sqlite_schema WHERE name = ?", [.text(name)]).count == 1)
  }

  @Test("An interrupt ends a statement that would not end by itself, and stands until it is cleared")
  func interrupt() throws {
    let connection = try table()
    let interrupt = connection.interrupt
    var rows = 0
    let error = #expect(throws: SQLiteError.self) {
      try connection.forEachRow(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
      ) { _ in
        rows += 1
        if rows == 10 { interrupt.interrupt() }
      }
    }
    #expect(error?.code == .interrupt)
    #expect(throws: SQLiteError.self) { try connection.execute("SELECT 1") }
    interrupt.clear()
    #expect(try connection.queryOne("SELECT 1")?[0] == .integer(1))
  }

  @Test("Statements that differ only by the composition of a letter are two")
  func statementsByBytes() throws {
    let connection = try SQLiteConnection(path: ":memory:")
    for name in ["\u{E9}", "e\u{301}"] {
      try connection.execute("CREATE TABLE \(name) AS SELECT \(name.utf8.count) AS bytes")
    }
    for name in ["\u{E9}", "e\u{301}"] {
      #expect(try connection.queryOne("SELECT bytes FROM \(name)")?[0] == .integer(Int64(name.utf8.count)))
    }
  }
}
