// Binary forms, byte by byte, and what is not one.

import Testing

@testable import Postgres

@Suite struct PostgresCodecTests {
  private func encoded(_ value: PostgresValue) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try value.encode(into: &bytes)
    return bytes
  }

  private func decoded(_ type: PostgresType, _ bytes: [UInt8]) throws -> PostgresValue {
    try bytes.withUnsafeBytes { try PostgresValue(ReceivedField(type: type, isText: false, bytes: $0)) }
  }

  @Test func knownBytes() throws {
    #expect(try encoded(.int2(-2)) == [0xFF, 0xFE])
    #expect(try encoded(.timestamptz(ServerEpoch.microseconds + 1)) == [0, 0, 0, 0, 0, 0, 0, 1])
    #expect(try encoded(.timestamptz(.max)) == [0x7F] + Array(repeating: 0xFF, count: 7))
    #expect(try encoded(.date(10_957)) == [0, 0, 0, 0])
    #expect(try encoded(.jsonb("{}")) == [1, 0x7B, 0x7D])
    #expect(
      try encoded(.int4Array([5])) == [
        0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5,
      ])
    #expect(try encoded(.textArray([])) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25])
  }

  @Test func whatCannotBeHeldIsRefused() throws {
    for value in [
      PostgresValue.text("a\0"), .jsonb("\0"), .textArray(["", "\0"]), .timestamptz(.min + 1),
      .date(.min + 1),
    ] {
      let error = #expect(throws: PostgresError.self) { try encoded(value) }
      #expect(error?.code == .encoding)
    }
  }

  @Test func numericsAreExact() throws {
    // digits, weight, sign, scale, then groups of four digits: as the server sends them
    let cases: [([UInt16], String)] = [
      ([0, 0, 0, 0], "0"), ([0, 0, 0, 2], "0.00"), ([1, 0, 0, 0, 7], "7"), ([1, 1, 0, 0, 1], "10000"),
      ([2, 0, 0x4000, 2, 12, 5000], "-12.50"), ([1, 0xFFFF, 0, 5, 10], "0.00100"),
      ([1, 0xFFFE, 0, 8, 1], "0.00000001"),
      ([0, 0, 0xC000, 0], "NaN"), ([0, 0, 0xD000, 0], "Infinity"), ([0, 0, 0xF000, 0], "-Infinity"),
      ([3, 1, 0, 4, 123, 4567, 8900], "1234567.8900"),
    ]
    for (words, text) in cases {
      let bytes = words.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
      #expect(try decoded(.numeric, bytes) == .numeric(text))
    }
  }

  /// Random bytes of every type and every cut of a good value end in a value or an error, never in a trap.
  @Test func malformedBytesAreErrors() throws {
    let types: [PostgresType] = [
      .bool, .int2, .int4, .int8, .oid, .float4, .float8, .numeric, .text, .bytea, .uuid, .timestamptz,
      .timestamp,
      .date, .json, .jsonb, .textArray, .int4Array, .int8Array, .float4Array, .float8Array, .uuidArray,
      PostgresType(rawValue: 20_000),
    ]
    let seed = UInt64.random(in: 0...UInt64.max)
    var state = seed
    func next() -> UInt8 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 33)
    }
    for _ in 0..<5000 {
      // Small numbers are likelier, so that lengths and dimensions come out plausible.
      let bytes = (0..<Int(next() % 48)).map { _ in next() < 160 ? next() % 3 : next() }
      for type in types { _ = try? decoded(type, bytes) }
      bytes.withUnsafeBytes { _ = ReceivedField(type: .bytea, isText: false, bytes: $0).vector() }
      var decoder = PostgresCopyDecoder()
      _ = bytes.withUnsafeBytes { try? decoder.read($0) }
    }
    for type in [PostgresType.int4, .int8, .uuid, .timestamptz, .float8] {
      #expect(throws: DecodingFailure.self, "seed \(seed)") { try decoded(type, [1, 2, 3]) }
    }
    #expect(throws: DecodingFailure.self) { try decoded(.text, [0xFF]) }
    #expect(throws: DecodingFailure.self) { try decoded(.jsonb, [2, 0x7B, 0x7D]) }
    #expect(throws: DecodingFailure.self) {
      try decoded(.timestamptz, [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE])
    }
  }

  @Test func equalityIsExact() {
    #expect(PostgresValue.float8(-0.0) != .float8(0))
    #expect(PostgresValue.float8(.nan) == .float8(.nan))
    #expect(PostgresValue.text("é") != .text("e\u{301}"))
    #expect(PostgresValue.text("1") != .numeric("1"))
    #expect(Set([PostgresValue.float4(-0.0), .float4(0), .null, .null]).count == 3)
  }

  @Test func swiftTypesReadOnlyWhatFits() {
    #expect(Int16(postgresValue: .int8(70_000)) == nil)
    #expect(Int(postgresValue: .int2(7)) == 7)
    #expect(Int(postgresValue: .text("12")) == 12)
    #expect(Double(postgresValue: .int8(.max)) == nil)
    #expect(Double(postgresValue: .numeric("2.5")) == 2.5)
    #expect(String(postgresValue: .bytea([65])) == nil)
    #expect(
      String(postgresValue: .raw(type: PostgresType(rawValue: 16_400), bytes: Array("glad".utf8))) == "glad")
    #expect(Bool(postgresValue: .int4(1)) == nil)
    #expect(Int??(postgresValue: .null) != nil)
  }

  @Test func uuids() throws {
    let text = "01890a5d-ac96-774b-bcce-b302099a8057"
    let uuid = try #require(PostgresUUID(text))
    #expect(uuid.description == text)
    #expect(PostgresUUID(text.uppercased().replacing("-", with: "")) == uuid)
    #expect(PostgresUUID(bytes: uuid.bytes) == uuid)
    for bad in ["", "0", text + "0", text.replacing("a", with: "g"), "０1890a5d-ac96-774b-bcce-b302099a8057"] {
      #expect(PostgresUUID(bad) == nil)
    }
  }
}
