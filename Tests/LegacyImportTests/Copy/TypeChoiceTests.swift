// The type of a column follows from what is declared and from the values that are there.

import AgentBase
import Foundation
import SQLite
import TestSupport
import Testing

@testable import LegacyImport

@Suite struct TypeChoiceTests {
  /// The choice for a column of a declared type with values that are written in SQL.
  private func choice(_ declared: String, _ values: [String], name: String = "c") throws -> TypeChoice {
    let connection = try SQLiteConnection(path: ":memory:")
    try connection.executeScript("CREATE TABLE t (\"\(name)\" \(declared))")
    for value in values { try connection.executeScript("INSERT INTO t VALUES (\(value))") }
    let source = try SourceDatabase(reading: connection)
    let table = try #require(source.table(named: "t"))
    let profiles = ["t": try SourceDatabase.profiles(of: table, in: connection)]
    return try #require(TypeChoice.types(of: source, profiles: profiles)["t"]?.first)
  }

  static let cases: [(declared: String, values: [String], type: String)] = [
    ("BOOLEAN", ["0", "1", "'true'", "'FALSE'", "NULL"], "boolean"), ("BOOLEAN", ["0", "2"], "bigint"),
    ("BOOLEAN", ["'yes'"], "text"), ("BOOLEAN", [], "boolean"),
    ("BOOLEAN", ["0", "0.5"], "double precision"),
    ("INTEGER", ["1", "9223372036854775807"], "bigint"), ("INT", ["1", "2.5"], "double precision"),
    ("INT", ["9007199254740993", "2.5"], "numeric"), ("INTEGER", ["1", "'x'"], "text"),
    ("INTEGER", ["1e300"], "double precision"), ("TINYINT", ["70000"], "bigint"), ("", [], "text"),
    ("", ["1"], "bigint"),
    ("", ["'x'"], "text"), ("", ["x'00'"], "bytea"), ("", ["1", "x'00'"], "text"),
    ("", ["x'00'", "x'01'", "'a'"], "bytea"),
    ("REAL", ["0.1", "1e300", "5e-324"], "double precision"),
    ("REAL", ["9e999", "'NaN'"], "double precision"),
    ("REAL", ["1", "'x'"], "text"), ("NUMERIC(10,2)", ["19.99", "5"], "numeric(10, 2)"),
    ("NUMERIC(10,2)", ["19.999"], "numeric"), ("NUMERIC(4,2)", ["100"], "numeric"),
    ("DECIMAL(10,2)", [], "numeric(10, 2)"),
    ("NUMERIC", ["0.1", "0.30000000000000004"], "numeric"), ("NUMERIC(9,3)", ["9e999"], "double precision"),
    ("NUMERIC", ["'x'"], "text"), ("VARCHAR(3)", ["'äöü'"], "varchar(3)"), ("VARCHAR(3)", ["'abcd'"], "text"),
    ("TEXT", ["'{\"a\": 1}'", "'[]'"], "text"), ("TEXT", ["'2024-01-01'"], "text"),
    ("TEXT", ["'a'", "x'00'"], "text"),
    ("TEXT", ["'a' || char(0)", "'b'"], "text"), ("TEXT", ["CAST(x'ff' AS TEXT)"], "bytea"),
    ("BLOB", ["x''"], "bytea"),
    ("BLOB", ["'text'"], "text"), ("BLOB", ["'text'", "x'00'"], "bytea"), ("BLOB", [], "bytea"),
    ("JSON", ["'{\"a\": [1, 2.5e3, null, \"\\u00e4\"]}'", "NULL"], "jsonb"),
    ("JSON", ["'{\"a\": 1, \"a\": 2}'"], "json"),
    ("JSON", ["'\"\\u0000\"'"], "json"), ("JSON", ["'\"\\ud800\"'"], "json"), ("JSON", ["'{bad}'"], "text"),
    ("JSON", ["''"], "text"),
    ("JSON", [], "jsonb"), ("UUID", ["'6FA459EA-ee8a-3ca4-894e-db77e160355e'"], "uuid"),
    ("UUID", ["'6fa459ea'"], "text"),
    (
      "DATETIME", ["'2024-01-15 10:30:00'", "'2024-01-15T10:30:00.123456Z'", "'2024-01-15'"],
      "timestamp with time zone"
    ),
    ("DATETIME", ["'2024-01-15 10:30:00.1234567'"], "text"), ("DATETIME", ["'2024-02-30'"], "text"),
    ("DATETIME", ["1706000000", "1706000000123"], "timestamp with time zone"), ("DATETIME", ["5"], "bigint"),
    ("DATETIME", ["1706000000123456789"], "bigint"),
    ("DATETIME", ["1706000000.25"], "timestamp with time zone"),
    ("DATETIME", ["1706000000.1234567"], "double precision"),
    ("DATETIME", ["'now'"], "text"), ("DATETIME", ["'0000-00-00 00:00:00'"], "text"),
    ("TIMESTAMP", ["'24:00'"], "text"),
    ("DATE", ["'2024-02-29'"], "date"), ("DATE", ["'2023-02-29'"], "text"),
    ("DATE", ["'2024-02-29 10:00'"], "timestamp with time zone"),
    ("TIME", ["'10:30'", "'10:30:00.5'"], "time without time zone"), ("TIME", ["'25:00'"], "text"),
    ("POINT", ["'1,2'"], "text"), ("STRING", ["'a'"], "text"),
  ]

  @Test(arguments: cases)
  func typeByValues(declared: String, values: [String], type: String) throws {
    #expect(try choice(declared, values).type.sql == type, "\(declared) \(values)")
  }

  @Test func whatChangesIsSaid() throws {
    for (declared, values) in [
      ("INTEGER", ["1", "'x'"]), ("BOOLEAN", ["2"]), ("TEXT", ["'a'", "x'00'"]), ("VARCHAR(3)", ["'abcd'"]),
      ("NUMERIC(10,2)", ["19.999"]), ("JSON", ["'{\"a\": 1, \"a\": 2}'"]), ("DATETIME", ["'now'"]),
      ("DATE", ["'2024-02-29 10:00'"]),
      ("BLOB", ["'t'"]), ("", ["1", "'x'"]),
    ] { #expect(try choice(declared, values).remark != nil, "\(declared) \(values)") }
    for (declared, values) in [
      ("INTEGER", ["1"]), ("BOOLEAN", ["1"]), ("TEXT", ["'a'"]), ("", ["1"]), ("NUMERIC(10,2)", ["1.25"]),
      ("VARCHAR(3)", []),
    ] { #expect(try choice(declared, values).remark == nil, "\(declared) \(values)") }
  }

  @Test func flagsAreKnownByTheirNames() throws {
    #expect(try choice("INTEGER", ["0", "1"], name: "is_active").type == .boolean)
    #expect(try choice("INTEGER DEFAULT 1", ["1"], name: "enabled").type == .boolean)
    #expect(try choice("INTEGER CHECK (c IN (0, 1))", ["1"]).type == .boolean)
    #expect(try choice("INTEGER", ["0", "2"], name: "is_active").type == .bigint)
    #expect(try choice("INTEGER", [], name: "is_active").type == .bigint)
    #expect(try choice("INTEGER", ["0", "1"], name: "count").type == .bigint)
  }

  @Test func keysThatAreComparedHaveOneType() throws {
    let connection = try SQLiteConnection(path: ":memory:")
    try connection.executeScript(
      """
      CREATE TABLE p (id UUID PRIMARY KEY, n INTEGER UNIQUE);
      CREATE TABLE c (p TEXT REFERENCES p (id), n TEXT REFERENCES p (n), self TEXT REFERENCES c (p));
      INSERT INTO p VALUES ('6fa459ea-ee8a-3ca4-894e-db77e160355e', 5);
      INSERT INTO c VALUES ('6fa459ea-ee8a-3ca4-894e-db77e160355e', '5', NULL);
      """)
    let source = try SourceDatabase(reading: connection)
    var profiles: [String: [ColumnProfile]] = [:]
    for table in source.tables {
      profiles[table.name.asciiLowercased] = try SourceDatabase.profiles(of: table, in: connection)
    }
    let types = TypeChoice.types(of: source, profiles: profiles)
    #expect(types["p"]?.map(\.type) == [.uuid, .text])
    #expect(types["c"]?.map(\.type) == [.uuid, .text, .uuid])
    #expect(types["c"]?[0].remark != nil)
  }

  // MARK: Shapes

  @Test func everyTimestampIsReadByLegacyTime() throws {
    let seed = SeededGenerator.seed(for: "timestamps")
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "2024", "0000", "-", "02", "29", "30", "13", "T", " ", ":", "24", "59", "60", ".", "123456", "7", "Z",
      "+02:00", "-0530", "+",
    ]
    var found = 0
    for _ in 0..<20_000 {
      var text =
        random.chance(0.7)
        ? "2024-02-29" + (random.chance(0.8) ? random.one(of: [" ", "T"]) + "10:30" : "") : ""
      for _ in 0..<Int.random(in: 0...4, using: &random) { text += random.one(of: pieces) }
      let shape = Array(text.utf8).withUnsafeBytes { TimeShape($0) }
      guard shape == .timestamp || shape == .date else { continue }
      found += 1
      #expect(LegacyTime().microseconds(of: .text(text)) != nil, "\(text)")
    }
    #expect(found > 1000)
  }

  @Test func jsonIsWhatTheParserTakes() throws {
    let seed = SeededGenerator.seed(for: "json shapes")
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "1", "-0.5e3", "01", "true", "null", " ", "\"\\u00e4\"",
      "\"\\x\"", "1.", "\"\n\"", "-",
    ]
    var reader = JSONShape()
    var valid = 0
    for _ in 0..<50_000 {
      let text = (0..<Int.random(in: 1...9, using: &random)).map { _ in random.one(of: pieces) }.joined()
      // An exponent beyond numeric's limits is JSON, but none that our parser takes.
      if text.contains(/e\d{5}/) { continue }
      let shape = Array(text.utf8).withUnsafeBytes { reader.read($0) }
      let isValid = (try? JSON(parsing: text)) != nil
      // Our parser may take more than one member of a name, as this reader does.
      #expect((shape != .invalid) == isValid, "\(text)")
      valid += isValid ? 1 : 0
    }
    #expect(valid > 500)
  }
}
