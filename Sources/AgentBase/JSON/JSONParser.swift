// Reads JSON text strictly (RFC 8259), telling where it goes wrong.

/// What is wrong with a JSON text, and at which byte.
public struct JSONError: Error, Sendable, CustomStringConvertible {
  /// What is wrong.
  public let problem: String
  /// The place, counted in bytes from zero.
  public let offset: Int

  /// The problem and its place.
  public var description: String { "JSON: \(problem) at byte \(offset)" }
}

extension JSON {
  /// Reads one JSON value.
  ///
  /// - Throws: `JSONError` where the text is no JSON, nests more than 512 deep, or holds a number with more digits
  ///   than Postgres' numeric.
  public init(parsing text: String) throws(JSONError) {
    try self.init(parsing: Array(text.utf8))
  }

  /// Reads one JSON value from UTF-8.
  ///
  /// - Throws: `JSONError`, as `init(parsing:)` of a string does, and where the bytes are not UTF-8.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    var parser = JSONParser(bytes: bytes)
    parser.skipSpace()
    self = try parser.value(depth: 0)
    parser.skipSpace()
    if parser.offset < bytes.count { throw parser.error("something follows the value") }
  }

  /// Whether a string in this value, or a name, holds U+0000, which `jsonb` cannot.
  public var holdsNUL: Bool {
    switch self {
    case .null, .bool, .number: false
    case .string(let string): string.utf8.contains(0)
    case .array(let values): values.contains { $0.holdsNUL }
    case .object(let object): object.members.contains { $0.name.utf8.contains(0) || $0.value.holdsNUL }
    }
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  var offset = 0

  static let deepest = 512

  init(bytes: [UInt8]) { self.bytes = bytes }

  func error(_ problem: String) -> JSONError { JSONError(problem: problem, offset: offset) }

  var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
  }

  // MARK: - Values

  mutating func value(depth: Int) throws(JSONError) -> JSON {
    guard depth <= Self.deepest else { throw error("nested more than \(Self.deepest) deep") }
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case nil: throw error("the text ends where a value is due")
    default: return try number()
    }
  }

  mutating func literal(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    let end = offset + word.utf8CodeUnitCount
    guard end <= bytes.count, bytes[offset..<end].elementsEqual(word.description.utf8) else {
      throw error("no value")
    }
    offset = end
    return value
  }

  mutating func number() throws(JSONError) -> JSON {
    let start = offset
    while let byte = next,
      (byte >= 0x30 && byte <= 0x39) || byte == 0x2B || byte == 0x2D || byte == 0x2E || byte | 0x20 == 0x65
    {
      offset += 1
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    guard !text.isEmpty, let number = JSONNumber(text: text) else {
      offset = start
      throw error(text.isEmpty ? "no value" : "no number, or one with too many digits")
    }
    return .number(number)
  }

  mutating func array(depth: Int) throws(JSONError) -> JSON {
    offset += 1
    var values: [JSON] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      offset += 1
      return .array(values)
    }
    while true {
      skipSpace()
      values.append(try value(depth: depth + 1))
      skipSpace()
      if try endsAfterComma(UInt8(ascii: "]")) { return .array(values) }
    }
  }

  mutating func object(depth: Int) throws(JSONError) -> JSON {
    offset += 1
    var members: [(name: String, value: JSON)] = []
    skipSpace()
    if next == UInt8(ascii: "}") {
      offset += 1
      return .object(JSONObject())
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("a member without a name") }
      let name = try string()
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw error("no colon after a name") }
      offset += 1
      skipSpace()
      members.append((name, try value(depth: depth + 1)))
      skipSpace()
      if try endsAfterComma(UInt8(ascii: "}")) { return .object(JSONObject(members)) }
    }
  }

  /// Steps over a comma (false) or the closing bracket (true).
  private mutating func endsAfterComma(_ closing: UInt8) throws(JSONError) -> Bool {
    guard let byte = next, byte == UInt8(ascii: ",") || byte == closing else {
      throw error("neither a comma nor a closing bracket")
    }
    offset += 1
    return byte == closing
  }

  // MARK: - Strings

  mutating func string() throws(JSONError) -> String {
    offset += 1
    var start = offset
    // What stands before the last escape; empty where there was none.
    var text: [UInt8] = []
    while true {
      offset = endOfRun(from: start)
      guard let byte = next, byte >= 0x20 else {
        throw error(next == nil ? "a string without an end" : "a control character in a string")
      }
      if byte == UInt8(ascii: "\"") {
        if !text.isEmpty { text.append(contentsOf: bytes[start..<offset]) }
        let string =
          text.isEmpty ? Self.string(bytes.span.extracting(start..<offset)) : Self.string(text.span)
        guard let string else { throw error("text that is not UTF-8") }
        offset += 1
        return string
      }
      text.append(contentsOf: bytes[start..<offset])
      offset += 1
      try escape(into: &text)
      start = offset
    }
  }

  /// What String(validating:) answers, without the generic types that it asks the runtime for at each call.
  private static func string(_ bytes: Span<UInt8>) -> String? {
    guard let text = try? UTF8Span(validating: bytes) else { return nil }
    return String(copying: text)
  }

  /// The place of the next quote, backslash or control character.
  private func endOfRun(from start: Int) -> Int {
    unsafe bytes.withUnsafeBytes { unsafe JSONWriter.firstEscaped(in: $0, from: start) } ?? bytes.count
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    guard let byte = next else { throw error("a string without an end") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if code & 0xFC00 == 0xD800 {
        guard offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
          bytes[offset + 1] == UInt8(ascii: "u")
        else { throw error("half a surrogate pair") }
        offset += 2
        let low = try hexadecimal()
        guard low & 0xFC00 == 0xDC00 else { throw error("half a surrogate pair") }
        code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half a surrogate pair") }
      text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw error("an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("an escape without four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }
}
