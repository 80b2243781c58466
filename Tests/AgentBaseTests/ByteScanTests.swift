// What is looked at eight bytes at a time answers what a look at each byte would.

import AgentBase
import TestSupport
import Testing

@Suite struct ByteScanTests {
  /// Random bytes that are mostly harmless, with what matters strewn in.
  private static func bytes(_ generator: inout SeededGenerator) -> [UInt8] {
    let special: [UInt8] = [0, 1, 0x1F, 0x20, 0x22, 0x5C, 0x7F, 0x80, 0xC3, 0xA9, 0xE2, 0xFF]
    return (0..<Int.random(in: 0...40, using: &generator)).map { _ in
      Int.random(in: 0..<6, using: &generator) == 0
        ? special.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0x61...0x7A, using: &generator)
    }
  }

  @Test func textIsValidWhereItIsUTF8WithoutNUL() {
    let seed = SeededGenerator.seed(for: "ByteScanTests")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      let bytes = Self.bytes(&generator)
      let isValid = String(validating: bytes, as: UTF8.self) != nil && !bytes.contains(0)
      #expect(bytes.withUnsafeBytes { PlainText.isValid($0) } == isValid, "\(bytes), seed \(seed)")
    }
  }

  @Test func stringsAreEscapedAsBefore() throws {
    let seed = SeededGenerator.seed(for: "ByteScanTests")
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      let text = String(decoding: Self.bytes(&generator), as: UTF8.self)
      var escaped: [UInt8] = []
      for byte in text.utf8 {
        switch byte {
        case 0x22, 0x5C: escaped += [0x5C, byte]
        case 0..<0x20:
          let short = [0x08: "b", 0x09: "t", 0x0A: "n", 0x0C: "f", 0x0D: "r"] as [UInt8: String]
          let digits = String(byte, radix: 16)
          let long = "u00" + (digits.count < 2 ? "0" : "") + digits
          escaped += Array("\\\(short[byte] ?? long)".utf8)
        default: escaped.append(byte)
        }
      }
      var written: [UInt8] = []
      var copy = text
      copy.withUTF8 { JSONWriter.appendEscaped(UnsafeRawBufferPointer($0), to: &written) }
      #expect(written == escaped, "seed \(seed)")
    }
  }

  // MARK: - JSON that needs no second look

  @Test(
    arguments: [
      #"{"pages": 12}"#, "[]", "{}", "[1, -2, 0, 0.5, -0.10, 120]", #""é""#, "null", "true", "0",
      #"{"a": {"b": [{}]}, "bb": null, "ab": ""}"#,
    ]
  )
  func theSpellingOfJSONBIsKnown(text: String) throws {
    let isKept = try JSON(parsing: text).jsonbText == text
    #expect(Self.isCanonical(text) == isKept)
  }

  @Test(
    arguments: [
      #"{"pages":12}"#, "[1,2]", " 1", "1 ", "1e5", "-0", "-0.0", "01", "1.", ".5", "-", #"{"b": 1, "a": 2}"#,
      #"{"a": 1, "a": 2}"#, #""\n""#, #""\u0041""#, "\"\u{1}\"", "nul", "[1, ]", "[", #"{"a"}"#, "", "tru",
      "\"",
    ]
  )
  func anyOtherIsLookedAt(text: String) { #expect(!Self.isCanonical(text)) }

  @Test func whatPassesIsWrittenTheSame() throws {
    let seed = SeededGenerator.seed(for: "ByteScanTests")
    var generator = SeededGenerator(seed: seed)
    let pieces = [
      "{", "}", "[", "]", ", ", ": ", "\"a\"", "\"bb\"", "\"\"", "1", "-2.50", "0", "null", "true",
    ]
    var passed = 0
    for _ in 0..<200_000 {
      let text = (0..<Int.random(in: 1...7, using: &generator))
        .map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
      guard Self.isCanonical(text) else { continue }
      passed += 1
      let value = try? JSON(parsing: text)
      #expect(value?.jsonbText == text, "\(text), seed \(seed)")
    }
    #expect(passed > 100)
  }

  private static func isCanonical(_ text: String) -> Bool {
    Array(text.utf8).withUnsafeBytes { CanonicalJSON.isCanonical($0) }
  }
}
