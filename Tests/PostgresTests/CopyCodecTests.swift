// The binary form of COPY, written and read back.

import Testing

@testable import Postgres

@Suite struct PostgresCopyCodecTests {
  @Test func theFrameIsTheDocumentedOne() {
    var encoder = PostgresCopyEncoder(capacity: 16)
    encoder.appendHeader()
    let mark = encoder.mark()
    encoder.beginRow(fields: 9)
    encoder.append(text: "taken back")
    encoder.rollback(to: mark)
    encoder.beginRow(fields: 2)
    encoder.append(int2: 1)
    encoder.appendNull()
    encoder.appendTrailer()
    #expect(
      encoder.bytes
        == Array("PGCOPY\n".utf8) + [0xFF, 13, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        + [0, 2, 0, 0, 0, 2, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
    encoder.removeAll()
    #expect(encoder.count == 0)
  }

  @Test func vectorsAndFields() throws {
    var encoder = PostgresCopyEncoder()
    encoder.append(vector: [1, -2])
    #expect(encoder.bytes == [0, 0, 0, 12, 0, 2, 0, 0, 0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0])
    encoder.removeAll()
    try encoder.append(.jsonb("{}"))
    #expect(encoder.bytes == [0, 0, 0, 3, 1, 0x7B, 0x7D])
    let error = #expect(throws: PostgresError.self) { try encoder.append(.text("\0")) }
    #expect(error?.code == .encoding)
    #expect(encoder.count == 7)
  }

  @Test func piecesAreReadBack() throws {
    var encoder = PostgresCopyEncoder()
    encoder.appendHeader()
    encoder.beginRow(fields: 3)
    encoder.append(int8: 42)
    encoder.appendNull()
    encoder.append(text: "")
    var decoder = PostgresCopyDecoder()
    try encoder.bytes.withUnsafeBytes { (piece) throws in
      #expect(try decoder.read(piece))
      #expect(decoder.count == 3)
      #expect(try decoder.value(0, as: .int8, of: piece) == .int8(42))
      #expect(decoder.isNull(1))
      #expect(try decoder.value(1, as: .int8, of: piece) == .null)
      #expect(try decoder.value(2, as: .text, of: piece) == .text(""))
      #expect(throws: PostgresError.self) { try decoder.value(0, as: .int4, of: piece) }
    }
    #expect(try [UInt8]([0xFF, 0xFF]).withUnsafeBytes { try decoder.read($0) } == false)
    for cut in 1..<encoder.count {
      var fresh = PostgresCopyDecoder()
      // The header alone is no row; everything else that is cut is an error.
      guard cut != 19 else { continue }
      #expect(throws: PostgresError.self) { try encoder.bytes[..<cut].withUnsafeBytes { try fresh.read($0) } }
    }
  }
}
