// Every value comes back as it went in: class, bits and bytes.

import SQLite
import Testing

@Suite("Values")
struct ValueTests {
  static let values: [SQLiteValue] = [
    .null, .integer(0), .integer(.max), .integer(.min), .integer(-1), .real(-0.0), .real(0.0),
    .real(.infinity),
    .real(-.infinity), .real(.leastNonzeroMagnitude), .real(1e300), .real(0.1),
    .real(3), .text(""),
    .text("a\0b"),
    .text("\0"),
    .text("é"), .text("e\u{301}"), .text("\u{FEFF}x\u{FFFE}\u{FFFF}🙂"), .text("'; DROP TABLE t --"),
    .blob([]),
    .blob([0]), .blob([0xFF, 0, 0xFE]), .text(String(repeating: "ü", count: 2_500_000)),
    .blob([UInt8](repeating: 0, count: 5_000_000)),
  ]

  static let malformed: [SQLiteValue] = [
    .malformedText([0xFF]), .malformedText([0x61, 0x00, 0xC3]), .malformedText([0xED, 0xA0, 0x80]),
    .malformedText([0xC0, 0x80]), .malformedText([0xF5, 0x80, 0x80, 0x80]),
  ]

  @Test("A UTF-8 database gives every value back", arguments: 0..<(values.count + malformed.count))
  func roundTrip(_ index: Int) throws {
    let value = (Self.values + Self.malformed)[index]
    let connection = try SQLiteConnection(path: ":memory:")
    try connection.execute("CREATE TABLE t (v)")
    try connection.execute("INSERT INTO t VALUES (?)", [value])
    let row = try #require(try connection.queryOne("SELECT v, typeof(v), length(CAST(v AS BLOB)) FROM t"))
    #expect(row[0] == value)
    switch value {
    case .malformedText(let bytes):
      #expect(row[1] == .text("text"))
      #expect(row[2] == .integer(Int64(bytes.count)))
    case .text(let text):
      #expect(row[1] == .text("text"))
      #expect(row[2] == .integer(Int64(text.utf8.count)))
    case .blob: #expect(row[1] == .text("blob"))
    default: break
    }
  }

  @Test(
    "A UTF-16 database gives every value back",
    arguments: ["UTF-16le", "UTF-16be"], 0..<values.count)
  func roundTripUTF16(_ encoding: String, _ index: Int) throws {
    let value = Self.values[index]
    let connection = try SQLiteConnection(path: ":memory:")
    try connection.execute("PRAGMA encoding = '\(encoding)'")
    try connection.execute("CREATE TABLE t (v)")
    try connection.execute("INSERT INTO t VALUES (?)", [value])
    #expect(try connection.queryOne("PRAGMA encoding")?[0] == .text(encoding))
    let back = try #require(try connection.queryOne("SELECT v FROM t")?[0])
    #expect(back == value)
  }

  @Test("A lone surrogate in a UTF-16 database is malformed text, in both directions")
  func loneSurrogates() throws {
    let connection = try SQLiteConnection(path: ":memory:")
    try connection.execute("PRAGMA encoding = 'UTF-16le'")
    try connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    // D83D alone, then 'a'; SQLite's own conversion swallows the 'a'.
    try connection.execute("INSERT INTO t VALUES (1, CAST(x'3DD86100' AS TEXT))")
    let wtf8: SQLiteValue = .malformedText([0xED, 0xA0, 0xBD, 0x61])
    #expect(try connection.queryOne("SELECT v FROM t WHERE id = 1")?[0] == wtf8)
    try connection.execute("INSERT INTO t VALUES (2, ?)", [wtf8])
    #expect(
      try connection.queryOne("SELECT CAST(v AS BLOB) FROM t WHERE id = 2")?[0]
        == .blob([0x3D, 0xD8, 0x61, 0x00]))
    // Bytes that UTF-16 cannot hold are refused, not replaced.
    let error = #expect(throws: SQLiteError.self) {
      try connection.execute("INSERT INTO t VALUES (3, ?)", [.malformedText([0xFF])])
    }
    #expect(error?.code == .mismatch)
  }

  @Test("NaN is refused, where SQLite would store NULL")
  func notANumber() throws {
    let connection = try SQLiteConnection(path: ":memory:")
    let error = #expect(throws: SQLiteError.self) { try connection.queryOne("SELECT ?", [.real(.nan)]) }
    #expect(error?.code == .mismatch)
  }

  @Test("Values are equal bit for bit")
  func equality() {
    #expect(SQLiteValue.text("é") != .text("e\u{301}"))
    #expect(SQLiteValue.real(-0.0) != .real(0.0))
    #expect(SQLiteValue.integer(1) != .real(1))
    #expect(SQLiteValue.blob([]) != .null)
  }
}
