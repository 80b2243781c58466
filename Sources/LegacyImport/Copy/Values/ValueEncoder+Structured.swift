// Text that has a structure of its own: JSON, UUIDs, labels of enums, arrays.

import AgentBase
import Postgres
import SQLite

extension ValueEncoder {
  // MARK: - JSON

  /// Appends JSON text in the spelling that Postgres gives it, so that it can be compared byte by byte with what comes back.
  func appendJSONB(_ bytes: UnsafeRawBufferPointer, to buffer: inout PostgresCopyEncoder)
    throws(ValueRejection)
  {
    // Much JSON is spelled so already.
    if unsafe CanonicalJSON.isCanonical(bytes) && PlainText.isValid(bytes),
      bytes.count < RowEncoder.longestJSON
    {
      unsafe buffer.append(jsonb: bytes)
      return
    }
    let json: JSON
    do {
      json = unsafe try JSON(parsing: Array(bytes))
    } catch {
      throw ValueRejection("no valid JSON: \(error.problem) at byte \(error.offset)")
    }
    guard !json.holdsNUL else {
      throw ValueRejection("the JSON holds \\u0000, which jsonb cannot store")
    }
    // Of members of one name jsonb keeps the last alone. Each member has one colon outside of strings.
    guard unsafe Self.colons(in: bytes) == json.memberCount else {
      throw ValueRejection("the JSON holds a name twice in one object, of which jsonb keeps the last alone")
    }
    let text = json.jsonbText
    guard text.utf8.count < RowEncoder.longestJSON else {
      throw ValueRejection("the JSON has \(text.utf8.count) bytes; jsonb holds \(RowEncoder.longestJSON)")
    }
    buffer.append(jsonb: text)
  }

  /// How many colons stand outside of strings.
  private static func colons(in bytes: UnsafeRawBufferPointer) -> Int {
    var count = 0
    var isInString = false
    var isEscaped = false
    for index in 0..<bytes.count {
      let byte = unsafe bytes[index]
      if isEscaped {
        isEscaped = false
      } else if isInString {
        if byte == UInt8(ascii: "\\") { isEscaped = true }
        if byte == UInt8(ascii: "\"") { isInString = false }
      } else if byte == UInt8(ascii: "\"") {
        isInString = true
      } else if byte == UInt8(ascii: ":") {
        count += 1
      }
    }
    return count
  }

  // MARK: - UUIDs

  /// 32 hexadecimal digits, with or without hyphens and braces.
  func appendUUID(_ bytes: UnsafeRawBufferPointer, to buffer: inout PostgresCopyEncoder)
    throws(ValueRejection)
  {
    var (high, low, digits) = (UInt64(0), UInt64(0), 0)
    for index in 0..<min(bytes.count, 50) {
      let byte = unsafe bytes[index]
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x41...0x46: digit = byte - 0x41 + 10
      case 0x61...0x66: digit = byte - 0x61 + 10
      // The server takes a hyphen after each group of four digits.
      case UInt8(ascii: "-") where digits > 0 && digits < 32 && digits % 4 == 0: continue
      case UInt8(ascii: "{") where index == 0: continue
      case UInt8(ascii: "}") where unsafe index == bytes.count - 1 && bytes[0] == UInt8(ascii: "{"): continue
      default:
        digits = 99
        continue
      }
      if digits < 16 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
      digits += 1
    }
    guard digits == 32, bytes.count <= 41 else { throw unsafe unfit(spelling(bytes), "a UUID") }
    buffer.append(uuid: PostgresUUID(high: high, low: low))
  }

  // MARK: - Enums

  /// The label that is spelled so, else the only one that is spelled so but for the case of its letters: SQLAlchemy stores
  /// the names of an enum's members, `QUEUED`, where a label may be its value, `queued`.
  func appendLabel(
    _ bytes: UnsafeRawBufferPointer, of labels: [String], to buffer: inout PostgresCopyEncoder
  ) throws(ValueRejection) {
    if labels.contains(where: { unsafe $0.utf8.elementsEqual(bytes) }) {
      unsafe buffer.append(text: bytes)
      return
    }
    let folded = unsafe spelling(bytes).lowercased()
    let alike = labels.filter { $0.lowercased() == folded }
    guard alike.count == 1 else {
      throw ValueRejection(
        unsafe "\(shown(spelling(bytes))) is no label of \(typeName) (\(labels.prefix(20).joined(separator: ", ")))"
      )
    }
    buffer.append(text: alike[0])
  }

  // MARK: - Arrays

  /// A JSON array, or Postgres' own spelling `{…}`, of one dimension.
  func appendArray(
    _ bytes: UnsafeRawBufferPointer, of part: TargetType, element: UInt32,
    to buffer: inout PostgresCopyEncoder
  ) throws(ValueRejection) {
    try unsafe checkText(bytes)
    let text = unsafe spelling(bytes)
    guard let values = Self.elements(of: text) else {
      throw unfit(text, "a JSON array, nor an array as Postgres spells it")
    }
    var elements = PostgresCopyEncoder(capacity: 64)
    let encoder = ValueEncoder(type: part, typeName: String(typeName.replacing("[]", with: "")), time: time)
    for value in values { try encoder.append(element: value, to: &elements) }
    buffer.appendField { field in
      field.append(bigEndian: Int32(values.isEmpty ? 0 : 1))
      field.append(bigEndian: Int32(values.contains { if case .null = $0 { true } else { false } } ? 1 : 0))
      field.append(bigEndian: Int32(bitPattern: element))
      guard !values.isEmpty else { return }
      field.append(bigEndian: Int32(values.count))
      field.append(bigEndian: Int32(1))
      field.append(contentsOf: elements.bytes)
    }
  }

  private func append(element: JSON, to buffer: inout PostgresCopyEncoder) throws(ValueRejection) {
    if case .null = element { return buffer.appendNull() }
    switch (type, element) {
    case (.json, _): buffer.append(text: element.text)
    case (.jsonb, _): try appendSpelled(element.text, to: &buffer)
    case (_, .string(let text)): try appendSpelled(text, to: &buffer)
    case (_, .number(let number)): try appendSpelled(number.digits, to: &buffer)
    case (.boolean, .bool(let value)): buffer.append(bool: value)
    case (.text, .bool(let value)): buffer.append(text: value ? "true" : "false")
    default: throw unfit(element.text, "an element of a \(typeName) array of one dimension")
    }
  }

  /// The elements of an array in either spelling; nil where it is none, or has more than one dimension.
  static func elements(of text: String) -> [JSON]? {
    let first = text.utf8.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
    if first == UInt8(ascii: "[") {
      guard case .array(let values)? = try? JSON(parsing: text), !JSON.array(values).holdsNUL else {
        return nil
      }
      return values
    }
    return first == UInt8(ascii: "{") ? ArrayLiteral.elements(of: text) : nil
  }
}

/// An array as Postgres spells it: `{1,2,NULL,"a, b"}`.
private enum ArrayLiteral {
  static func elements(of text: String) -> [JSON]? {
    let trimmed = text.trimmingPrefix { $0.isWhitespace }
    var rest = Array(trimmed.utf8)[...]
    while let last = rest.last, last == 0x20 || last == 0x0A { rest.removeLast() }
    guard rest.popFirst() == UInt8(ascii: "{"), rest.popLast() == UInt8(ascii: "}") else { return nil }
    guard rest.contains(where: { $0 != 0x20 }) else { return [] }
    var elements: [JSON] = []
    while true {
      while rest.first == 0x20 { rest.removeFirst() }
      guard let element = element(&rest) else { return nil }
      elements.append(element)
      while rest.first == 0x20 { rest.removeFirst() }
      guard let separator = rest.popFirst() else { return elements }
      guard separator == UInt8(ascii: ",") else { return nil }
    }
  }

  private static func element(_ rest: inout ArraySlice<UInt8>) -> JSON? {
    var bytes: [UInt8] = []
    if rest.first == UInt8(ascii: "\"") {
      rest.removeFirst()
      while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self).map(JSON.string)
        case UInt8(ascii: "\\"):
          guard let escaped = rest.popFirst() else { return nil }
          bytes.append(escaped)
        default: bytes.append(byte)
        }
      }
      return nil
    }
    while let byte = rest.first, byte != UInt8(ascii: ",") {
      guard !"{}\"\\".utf8.contains(byte) else { return nil }
      bytes.append(byte)
      rest.removeFirst()
    }
    while bytes.last == 0x20 { bytes.removeLast() }
    guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else { return nil }
    return text.lowercased() == "null" ? .null : .string(text)
  }
}

extension JSON {
  /// How many members all objects of this value have together.
  fileprivate var memberCount: Int {
    switch self {
    case .null, .bool, .number, .string: 0
    case .array(let values): values.reduce(0) { $0 + $1.memberCount }
    case .object(let object): object.members.reduce(object.members.count) { $0 + $1.value.memberCount }
    }
  }
}

extension [UInt8] {
  /// Appends four bytes, the highest first.
  mutating func append(bigEndian value: Int32) {
    let bits = UInt32(bitPattern: value)
    for shift in [24, 16, 8, 0] { append(UInt8(truncatingIfNeeded: bits >> UInt32(shift))) }
  }

  /// Appends two bytes, the higher first.
  mutating func append(bigEndian value: Int16) {
    let bits = UInt16(bitPattern: value)
    append(UInt8(truncatingIfNeeded: bits >> 8))
    append(UInt8(truncatingIfNeeded: bits))
  }
}
