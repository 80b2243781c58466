// The binary forms in which values are sent (each type's `…recv` function in the server).

import Glibc

/// The span between 1970-01-01 and 2000-01-01, the server's own epoch.
enum ServerEpoch {
  static let microseconds: Int64 = 946_684_800_000_000
  static let days: Int32 = 10_957
}

extension [UInt8] {
  /// Appends an integer, most significant byte first.
  @inline(__always)
  mutating func appendBigEndian(_ value: some FixedWidthInteger) {
    unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
  }

  /// Overwrites four bytes, most significant first.
  @inline(__always)
  mutating func putBigEndian(_ value: Int32, at index: Int) {
    let bits = UInt32(bitPattern: value)
    self[index] = UInt8(truncatingIfNeeded: bits >> 24)
    self[index + 1] = UInt8(truncatingIfNeeded: bits >> 16)
    self[index + 2] = UInt8(truncatingIfNeeded: bits >> 8)
    self[index + 3] = UInt8(truncatingIfNeeded: bits)
  }

  /// Appends the UTF-8 of a text.
  mutating func append(utf8 text: String) {
    var text = text
    text.withUTF8 { unsafe append(contentsOf: UnsafeRawBufferPointer($0)) }
  }

  /// Appends an array of one dimension: dimensions, has-NULLs flag, element type, length, lower bound, elements.
  mutating func appendArray<Value>(
    of type: PostgresType, _ elements: [Value], _ append: (inout [UInt8], Value) -> Void
  ) {
    appendBigEndian(Int32(elements.isEmpty ? 0 : 1))
    appendBigEndian(Int32(0))
    appendBigEndian(type.rawValue)
    guard !elements.isEmpty else { return }
    appendBigEndian(Int32(elements.count))
    appendBigEndian(Int32(1))
    for element in elements {
      let length = count
      appendBigEndian(Int32(0))
      append(&self, element)
      putBigEndian(Int32(count - length - 4), at: length)
    }
  }

  /// Appends a time as microseconds of the server's epoch; the infinities stay what they are.
  mutating func append(microseconds: Int64) throws(PostgresError) {
    guard microseconds != .max, microseconds != .min else { return appendBigEndian(microseconds) }
    let (shifted, overflow) = microseconds.subtractingReportingOverflow(ServerEpoch.microseconds)
    guard !overflow else { throw PostgresError(.encoding, "a time lies before what the server can hold") }
    appendBigEndian(shifted)
  }
}

extension PostgresValue {
  /// Whether the bytes are the type's text form, which the server parses.
  var isSentAsText: Bool {
    switch self {
    case .text, .numeric: true
    default: false
    }
  }

  /// Appends what is sent for the value; nothing for NULL.
  ///
  /// - Throws: `encoding` for text with a NUL, which the server cannot hold, and for times that it cannot hold.
  func encode(into bytes: inout [UInt8]) throws(PostgresError) {
    switch self {
    case .null: break
    case .bool(let value): bytes.append(value ? 1 : 0)
    case .int2(let value): bytes.appendBigEndian(value)
    case .int4(let value): bytes.appendBigEndian(value)
    case .int8(let value): bytes.appendBigEndian(value)
    case .float4(let value): bytes.appendBigEndian(value.bitPattern)
    case .float8(let value): bytes.appendBigEndian(value.bitPattern)
    case .text(let text), .numeric(let text), .json(let text):
      try Self.append(text, to: &bytes)
    case .jsonb(let text):
      bytes.append(1)  // the version of the binary form
      try Self.append(text, to: &bytes)
    case .bytea(let value), .raw(_, let value): bytes.append(contentsOf: value)
    case .uuid(let value): bytes.append(uuid: value)
    case .timestamptz(let value), .timestamp(let value): try bytes.append(microseconds: value)
    case .date(let value):
      guard value != .max, value != .min else { return bytes.appendBigEndian(value) }
      let (shifted, overflow) = value.subtractingReportingOverflow(ServerEpoch.days)
      guard !overflow else { throw PostgresError(.encoding, "a date lies before what the server can hold") }
      bytes.appendBigEndian(shifted)
    case .textArray(let values):
      for value in values { try Self.refuseNUL(in: value) }
      bytes.appendArray(of: .text, values) { $0.append(utf8: $1) }
    case .int4Array(let values): bytes.appendArray(of: .int4, values) { $0.appendBigEndian($1) }
    case .int8Array(let values): bytes.appendArray(of: .int8, values) { $0.appendBigEndian($1) }
    case .float4Array(let values):
      bytes.appendArray(of: .float4, values) { $0.appendBigEndian($1.bitPattern) }
    case .float8Array(let values):
      bytes.appendArray(of: .float8, values) { $0.appendBigEndian($1.bitPattern) }
    case .uuidArray(let values): bytes.appendArray(of: .uuid, values) { $0.append(uuid: $1) }
    }
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) throws(PostgresError) {
    try refuseNUL(in: text)
    bytes.append(utf8: text)
  }

  private static func refuseNUL(in text: String) throws(PostgresError) {
    var text = text
    let count = text.utf8.count
    let hasNUL = text.withUTF8 { unsafe $0.baseAddress.map { unsafe memchr($0, 0, count) != nil } ?? false }
    guard hasNUL else { return }
    throw PostgresError(
      .encoding, "a text holds a NUL character (U+0000), which Postgres cannot store; store it as bytea")
  }
}

extension [UInt8] {
  /// Appends the 16 bytes of a UUID.
  @inline(__always)
  mutating func append(uuid: PostgresUUID) {
    appendBigEndian(uuid.high)
    appendBigEndian(uuid.low)
  }
}
