// Values that break importers, each with a label that says why.

import SQLite

/// A value and what is odd about it.
struct BreakerValue: Sendable {
  let label: String
  let value: SQLiteValue
  /// Whether it is the size that is odd, so that a row should hold it once.
  let isLarge: Bool

  private init(_ label: String, _ value: SQLiteValue, isLarge: Bool = false) {
    self.label = label
    self.value = value
    self.isLarge = isLarge
  }

  /// All of them, the largest of so many bytes.
  static func all(largest: Int) -> [BreakerValue] {
    numbers + booleans + times + texts + blobs + documents + embeddings + [
      BreakerValue("a large text", .text(String(repeating: "large ", count: largest / 6)), isLarge: true),
      BreakerValue("a large blob", .blob([UInt8](repeating: 7, count: largest)), isLarge: true),
    ]
  }

  /// Whether a file in UTF-16 can hold it: of what is no text, half a surrogate pair alone.
  var fitsUTF16: Bool {
    if case .malformedText = value { label == "surrogate bytes" } else { true }
  }

  // MARK: - Numbers and booleans

  static let numbers: [BreakerValue] = [
    .init("text in a number", "abc"), .init("empty text in a number", ""), .init("2.5 in an integer", 2.5),
    .init("2^63 - 1", .integer(.max)), .init("-2^63", .integer(.min)), .init("2^63 as a real", .real(0x1p63)),
    .init("2^63 as text", "9223372036854775808"), .init("70000 in a TINYINT", 70_000), .init("-129", -129),
    .init("2^31", 2_147_483_648), .init("2^53 + 1", 9_007_199_254_740_993),
    .init("2^61", .integer(1 << 61)), .init("infinity", .real(.infinity)),
    .init("minus infinity", .real(-.infinity)),
    .init("NaN as text", "NaN"), .init("Infinity as text", "Infinity"), .init("1e300", 1e300),
    .init("the smallest real", .real(.leastNonzeroMagnitude)),
    .init("the largest real", .real(.greatestFiniteMagnitude)),
    .init("17 digits", 0.30000000000000004), .init("minus zero", .real(-0.0)), .init("zero", 0),
    .init("zero as a real", .real(0)), .init("a real that is whole", .real(5)),
    .init("too much for NUMERIC(10,2)", 123_456_789_012.345), .init("half a cent", 0.005),
    .init("text with zeros", "007"), .init("text with a decimal zero", "2.50"),
    .init("text with a plus", "+5"),
    .init("text with spaces around", " 5 "), .init("hexadecimal text", "0x10"),
    .init("thousands in text", "1,234.5"), .init("1e400 as text", "1e400"), .init("Arabic digits", "١٢٣"),
    .init("a large number beyond float4", 123_456_789.123456789), .init("null", .null),
  ]

  static let booleans: [BreakerValue] = [
    .init("boolean 0", 0), .init("boolean 1", 1), .init("boolean 2", 2), .init("boolean -1", -1),
    .init("boolean 1.0", 1.0), .init("boolean true", "true"), .init("boolean FALSE", "FALSE"),
    .init("boolean yes", "yes"), .init("boolean t", "t"), .init("boolean on", "on"),
    .init("boolean empty", ""),
    .init("boolean blob", .blob([1])), .init("boolean null", .null),
  ]

  // MARK: - Times

  static let times: [BreakerValue] = [
    .init("epoch seconds", 1_705_314_600), .init("epoch milliseconds", 1_705_314_600_123),
    .init("epoch microseconds", 1_705_314_600_123_456), .init("epoch with a fraction", 1_705_314_600.25),
    .init("a Julian day", 2_460_325.9375), .init("time 0", 0), .init("before 1970", -1),
    .init("epoch as text", "1705314600"), .init("now", "now"), .init("30 February", "2024-02-30"),
    .init("29 February", "2024-02-29 00:00:00"), .init("month 13", "2024-13-01"),
    .init("24:00", "2024-01-15 24:00:00"), .init("25:00", "2024-01-15 25:00:00"),
    .init("a leap second", "2016-12-31 23:59:60"), .init("0000-00-00", "0000-00-00"),
    .init("0000-00-00 00:00:00", "0000-00-00 00:00:00"), .init("year 0", "0000-01-01"),
    .init("year 9999", "9999-12-31 23:59:59"), .init("year 10000", "10000-01-01"),
    .init("an offset", "2024-01-15T10:30:00+02:00"), .init("an odd offset", "2024-01-15T10:30:00-05:30"),
    .init("an offset without a colon", "2024-01-15 10:30:00+0200"), .init("Z", "2024-01-15T10:30:00Z"),
    .init("nanoseconds", "2024-01-15T10:30:00.123456789Z"),
    .init("nanoseconds that round up", "2024-01-15T10:30:59.999999999Z"),
    .init("a naive time", "2024-01-15 10:30:00"), .init("a date", "2024-01-15"), .init("a time", "10:30:00"),
    .init("a time without seconds", "2024-01-15 10:30"), .init("American order", "01/15/2024"),
    .init("an English month", "Jan 15 2024"), .init("a time of empty text", ""),
    .init("a time as a blob", .blob([1])),
    .init("a time beyond all", 1e300), .init("the last integer as a time", .integer(.max)),
    .init("the first integer as a time", .integer(.min)), .init("time null", .null),
  ]

  // MARK: - Text and blobs

  static let texts: [BreakerValue] = [
    .init("empty text", ""), .init("a space", " "), .init("NUL inside", "before\0after"),
    .init("only a NUL", "\0"),
    .init("NUL at the end", "text\0"),
    .init("bytes that are not UTF-8", .malformedText([0x61, 0xFF, 0xC3, 0x28])),
    .init("surrogate bytes", .malformedText([0x61, 0xED, 0xA0, 0x80])),
    .init("overlong bytes", .malformedText([0xC0, 0x80])),
    .init("cut off in a character", .malformedText([0x61, 0xE2, 0x82])),
    .init("bytes beyond Unicode", .malformedText([0xF5, 0x80, 0x80, 0x80])),
    .init("COPY's NULL", "\\N"), .init("COPY's end", "\\."),
    .init("tab, feed, return", "tab\tfeed\nreturn\r\n"),
    .init("a byte order mark", "\u{FEFF}bom"), .init("controls", "\u{1}\u{8}\u{B}\u{1F}\u{7F}\u{85}\u{2028}"),
    .init("quotes and backslashes", "it's \"quoted\" \\ $1 %s ${x} ; --"), .init("composed", "é"),
    .init("decomposed", "e\u{301}"), .init("emoji", "👩‍👩‍👧‍👦🏳️‍🌈🦊"), .init("right to left", "שלום \u{202E}abc"),
    .init("replacement character", "\u{FFFD}"), .init("non-characters", "\u{FFFE}\u{FFFF}"),
    .init("trailing space", "a "), .init("longer than VARCHAR(10)", "eleven letters"),
    .init("ten letters beyond ASCII", "ääääääääää"), .init("the word null", "null"),
    .init("the word NULL", "NULL"),
    .init("a UUID", "123e4567-e89b-12d3-a456-426614174000"),
    .init("a UUID in braces", "{123E4567-E89B-12D3-A456-426614174000}"),
    .init("an array of Postgres", "{1,2}"),
    .init("a bytea of Postgres", "\\x00ff"), .init("blob in TEXT", .blob(Array("text".utf8))),
    .init("an empty blob in TEXT", .blob([])), .init("text null", .null),
  ]

  static let blobs: [BreakerValue] = [
    .init("an empty blob", .blob([])), .init("a blob null", .null),
    .init("a blob", .blob([0, 1, 0xFE, 0xFF])),
    .init("text in BLOB", "text"), .init("a number in BLOB", 5),
    .init("a UUID of 16 bytes", .blob(Array(0...15))),
    .init("a blob of JSON", .blob(Array("{\"a\": 1}".utf8))),
  ]

  // MARK: - JSON

  static let documents: [BreakerValue] = [
    .init("malformed JSON", "{\"a\": [1, 2"), .init("JSON with \\u0000", "{\"a\": \"\\u0000\"}"),
    .init("JSON with a lone surrogate", "{\"a\": \"\\ud800\"}"),
    .init("JSON with duplicate keys", "{\"a\": 1, \"a\": 2}"),
    .init("JSON over 2^53", "{\"n\": 9007199254740993}"), .init("JSON 1e400", "{\"n\": 1e400}"),
    .init("JSON -1e400", "[-1e400, 1e-400]"),
    .init("JSON with a long number", "[0.1000000000000000055511151231257827]"),
    .init("JSON minus zero", "[-0, -0.0]"), .init("JSON 1.10", "{\"n\": 1.10}"), .init("empty JSON", ""),
    .init("JSON null", "null"), .init("JSON true", "true"), .init("a JSON string", "\"text\""),
    .init("a JSON number", "5"),
    .init("an empty object", "{}"), .init("an empty array", "[]"), .init("JSON with spaces", " [ 1 , 2 ] "),
    .init("JSON with single quotes", "{'a': 1}"), .init("JSON with NaN", "[NaN, Infinity]"),
    .init("JSON with a trailing comma", "[1, 2,]"), .init("JSON with a comment", "[1 /* one */]"),
    .init(
      "JSON with the importer's own names", "{\"legacy_id\": 7, \"source_table\": \"x\", \"migrated_at\": 1}"),
    .init("JSON with an empty key", "{\"\": {}}"),
    .init("JSON keys by composition", "{\"é\": 1, \"e\u{301}\": 2}"),
    .init("JSON 600 deep", .text(String(repeating: "[", count: 600) + String(repeating: "]", count: 600))),
    .init("JSON 5000 deep and unclosed", .text(String(repeating: "[", count: 5000))),
    .init(
      "JSON 100000 deep",
      .text(String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000))),
    .init("JSON with a NUL", "{\"a\0\": 1}"), .init("JSON of bytes", .malformedText([0x22, 0xFF, 0x22])),
    .init("a document null", .null),
  ]

  // MARK: - Embeddings

  static let embeddings: [BreakerValue] = [
    .init("an embedding of text", "[0.1, 0.2, 1e-45]"), .init("an embedding with text inside", "[1, \"x\"]"),
    .init("an embedding of NaN", .blob([0, 0, 0xC0, 0x7F])),
    .init("an infinite embedding", .blob([0, 0, 0x80, 0x7F])),
    .init("an embedding beyond float4", "[1e39]"), .init("three bytes", .blob([1, 2, 3])),
    .init("an embedding of 1536", .blob([UInt8](repeating: 0, count: 4 * 1536))),
    .init("an embedding of 17000", .blob([UInt8](repeating: 0, count: 4 * 17_000))),
    .init("a text embedding of 768", .text("[" + String(repeating: "0.5,", count: 767) + "0.5]")),
  ]
}
