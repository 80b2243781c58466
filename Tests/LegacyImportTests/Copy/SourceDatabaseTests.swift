// What a SQLite file declares is read whole, from pragmas and from its SQL.

import SQLite
import Testing

@testable import LegacyImport

@Suite struct SourceDatabaseTests {
  private func read(_ script: String) throws -> SourceDatabase {
    let connection = try SQLiteConnection(path: ":memory:")
    try connection.executeScript(script)
    return try SourceDatabase(reading: connection)
  }

  @Test func clausesThatNoPragmaTells() throws {
    let source = try read(
      #"""
      CREATE TABLE parent (a INT, b INT, UNIQUE (a, b));
      CREATE TABLE "odd -- name" ( -- CHECK (0)
        id INTEGER CONSTRAINT pk PRIMARY KEY ON CONFLICT REPLACE AUTOINCREMENT NOT NULL,
        a INT CONSTRAINT positive CHECK (a > 0 AND ')' <> '(') DEFAULT (1 + (2)) CONSTRAINT lone UNIQUE ON CONFLICT IGNORE,
        b VARCHAR(10, 2) COLLATE NoCase DEFAULT -5 REFERENCES parent (b) ON DELETE SET NULL MATCH SIMPLE,
        "check" TEXT DEFAULT 'CHECK (1)' /* CHECK (2) */, c INT GENERATED ALWAYS AS (a * (b + 1)) STORED, d AS (a) VIRTUAL NOT NULL,
        CONSTRAINT both UNIQUE (b, a), CHECK (a < 10) CONSTRAINT last FOREIGN KEY (a, b) REFERENCES parent (a, b)
          ON UPDATE CASCADE ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED
      );
      INSERT INTO "odd -- name" (id, a) VALUES (41, 1);
      """#)
    let table = try #require(source.table(named: "ODD -- NAME"))
    #expect(table.columns.map(\.name) == ["id", "a", "b", "check", "c", "d"])
    #expect(table.columns.map(\.collation) == [nil, nil, "NOCASE", nil, nil, nil])
    #expect(table.columns.map(\.generatedSQL) == [nil, nil, nil, nil, "a * (b + 1)", "a"])
    #expect(table.columns.map(\.defaultSQL) == [nil, "1 + (2)", "-5", "'CHECK (1)'", nil, nil])
    #expect(table.isAutoIncrement && table.rowIDColumn == 0 && table.lastSequence == 41)
    #expect(table.checks.map(\.name) == ["positive", nil])
    #expect(table.checks.map(\.expressionSQL) == ["a > 0 AND ')' <> '('", "a < 10"])
    #expect(table.primaryKey?.name == "pk")
    #expect(table.uniqueKeys.map(\.name) == ["lone", "both"])
    #expect(table.uniqueKeys[1].parts == [.init(column: 2, collation: "NOCASE"), .init(column: 1)])
    #expect(table.foreignKeys.map(\.name) == [nil, "last"])
    #expect(table.foreignKeys.map(\.onDelete) == ["SET NULL", "NO ACTION"])
    #expect(table.foreignKeys[1].isDeferred && !table.foreignKeys[0].isDeferred)
    #expect(table.foreignKeys[1].columns == [1, 2] && table.foreignKeys[1].parentColumns == ["a", "b"])
    #expect(source.omissions.isEmpty)
  }

  @Test func keysThatAreTheRowID() throws {
    let source = try read(
      """
      CREATE TABLE yes (id INTEGER PRIMARY KEY); CREATE TABLE int (id INT PRIMARY KEY);
      CREATE TABLE down (id INTEGER PRIMARY KEY DESC); CREATE TABLE without (id INTEGER PRIMARY KEY) WITHOUT ROWID;
      CREATE TABLE late (a, id INTEGER, PRIMARY KEY (id)); CREATE TABLE two (a INTEGER, b INTEGER, PRIMARY KEY (b, a));
      """)
    #expect(source.tables.filter { $0.rowIDColumn != nil }.map(\.name) == ["yes", "late"])
    #expect(source.table(named: "two")?.primaryKey?.parts.map(\.column) == [1, 0])
    #expect(source.table(named: "without")?.hasRowID == false)
  }

  @Test func indexesWithExpressionsAndConditions() throws {
    let source = try read(
      """
      CREATE TABLE t (a, b TEXT);
      CREATE UNIQUE INDEX i ON t (lower(b) COLLATE NOCASE DESC, a, substr(b, 1, 2)) WHERE a IS NOT NULL AND b <> ',)';
      CREATE INDEX plain ON t (b COLLATE NOCASE DESC);
      """)
    let indexes = try #require(source.table(named: "t")?.indexes)
    #expect(indexes.map(\.name) == ["i", "plain"])
    #expect(indexes[0].isUnique && indexes[0].conditionSQL == "a IS NOT NULL AND b <> ',)'")
    #expect(
      indexes[0].parts.map(\.expressionSQL) == ["lower(b) COLLATE NOCASE", nil, "substr(b, 1, 2)"])
    #expect(indexes[0].parts.map(\.column) == [nil, 0, nil])
    #expect(indexes[1].parts[0].isDescending && indexes[1].parts[0].collation == "NOCASE")
  }

  @Test func virtualTablesByWhatTheyHold() throws {
    let source = try read(
      """
      CREATE TABLE docs (id INTEGER PRIMARY KEY, body); CREATE VIRTUAL TABLE own USING fts5(title, body UNINDEXED);
      CREATE VIRTUAL TABLE "of docs" USING fts5(body, content=docs, content_rowid=id);
      CREATE VIRTUAL TABLE none USING fts4(body, content=""); CREATE VIRTUAL TABLE place USING rtree(id, x0, x1, +label TEXT);
      CREATE VIRTUAL TABLE words USING fts5vocab(own, 'row');
      """)
    #expect(Set(source.tables.map(\.name)) == ["docs", "own", "place"])
    #expect(source.table(named: "own")?.columns.map(\.name) == ["rowid", "title", "body"])
    #expect(source.table(named: "place")?.columns.map(\.name) == ["id", "x0", "x1", "label"])
    let left = source.omissions.filter { $0.effect == .leftOut && $0.kind == .virtualTable }
    #expect(Set(left.map(\.name)) == ["of docs", "none", "words"])
    #expect(source.omissions.contains { $0.kind == .shadowTable && $0.name == "own_content" })
  }
}
