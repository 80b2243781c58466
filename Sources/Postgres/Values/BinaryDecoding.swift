// The binary forms in which values come back (each type's `…send` function in the server).

/// Why bytes are not the value that was asked for.
enum DecodingFailure: Error {
  case null
  case wrongType(expected: String)
  case outOfRange(expected: String)
  case malformed
}

/// Reads fixed-width numbers, most significant byte first, and never past the end.
@unsafe struct BinaryReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = unsafe bytes }

  var remaining: Int { unsafe bytes.count - offset }

  @inline(__always)
  mutating func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(DecodingFailure) -> Value
  {
    let size = MemoryLayout<Value>.size
    guard unsafe remaining >= size else { throw .malformed }
    defer { unsafe offset += size }
    return unsafe Value(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  /// The next `count` bytes.
  @unsafe mutating func take(_ count: Int) throws(DecodingFailure) -> UnsafeRawBufferPointer {
    guard count >= 0, unsafe remaining >= count else { throw .malformed }
    defer { unsafe offset += count }
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
  }

  /// The elements of an array of at most one dimension without NULLs.
  mutating func array<Element>(
    _ element: (UnsafeRawBufferPointer) throws(DecodingFailure) -> Element
  ) throws(DecodingFailure) -> [Element] {
    let dimensions: Int32 = unsafe try integer()
    _ = unsafe try integer(Int32.self)
    _ = unsafe try integer(UInt32.self)
    guard dimensions > 0 else { return [] }
    guard dimensions == 1 else { throw .wrongType(expected: "array of one dimension") }
    let count: Int32 = unsafe try integer()
    _ = unsafe try integer(Int32.self)
    guard count >= 0, unsafe Int(count) <= remaining / 4 else { throw .malformed }
    var elements: [Element] = []
    elements.reserveCapacity(Int(count))
    for _ in 0..<count {
      let length: Int32 = unsafe try integer()
      guard length >= 0 else { throw .null }
      unsafe elements.append(try element(try take(Int(length))))
    }
    return elements
  }
}

/// One received field: its type, its form and its bytes, which are lent for the time of a call.
@unsafe struct ReceivedField {
  let type: PostgresType
  let isText: Bool
  let bytes: UnsafeRawBufferPointer

  private func exactly(_ size: Int) throws(DecodingFailure) -> BinaryReader {
    guard unsafe bytes.count == size else { throw .malformed }
    return unsafe BinaryReader(bytes)
  }

  func fixed<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(DecodingFailure) -> Value {
    var reader = unsafe try exactly(MemoryLayout<Value>.size)
    return unsafe try reader.integer()
  }

  /// The bytes as UTF-8.
  func text() throws(DecodingFailure) -> String {
    guard let text = unsafe string(bytes) else { throw .malformed }
    return text
  }

  /// What String(validating:) answers, without the generic types that it asks the runtime for at each call.
  private func string(_ bytes: UnsafeRawBufferPointer) -> String? {
    let span = unsafe Span<UInt8>(_unsafeElements: bytes.assumingMemoryBound(to: UInt8.self))
    guard let text = try? UTF8Span(validating: span) else { return nil }
    return String(copying: text)
  }

  func uuid() throws(DecodingFailure) -> PostgresUUID {
    var reader = unsafe try exactly(16)
    return unsafe PostgresUUID(high: try reader.integer(), low: try reader.integer())
  }

  /// Microseconds since 1970.
  func microseconds() throws(DecodingFailure) -> Int64 {
    let value: Int64 = unsafe try fixed()
    guard value != .max, value != .min else { return value }
    let (shifted, overflow) = value.addingReportingOverflow(ServerEpoch.microseconds)
    guard !overflow else { throw .outOfRange(expected: "microseconds since 1970") }
    return shifted
  }

  /// Days since 1970.
  func days() throws(DecodingFailure) -> Int32 {
    let value: Int32 = unsafe try fixed()
    return value == .max || value == .min ? value : value &+ ServerEpoch.days
  }

  /// The text of `jsonb`, behind the version of its binary form.
  func jsonb() throws(DecodingFailure) -> String {
    guard unsafe bytes.first == 1,
      let text = unsafe string(UnsafeRawBufferPointer(rebasing: bytes.dropFirst()))
    else { throw .malformed }
    return text
  }

  func array<Element>(
    _ element: (ReceivedField) throws(DecodingFailure) -> Element
  ) throws(DecodingFailure) -> [Element] {
    var reader = unsafe BinaryReader(bytes)
    return unsafe try reader.array { (bytes: UnsafeRawBufferPointer) throws(DecodingFailure) in
      unsafe try element(ReceivedField(type: .inferred, isText: false, bytes: bytes))
    }
  }

  /// The elements of pgvector's `vector`: dimensions, an unused word, 4-byte floats.
  func vector() -> [Float]? {
    var reader = unsafe BinaryReader(bytes)
    guard let count = unsafe try? reader.integer(Int16.self), unsafe (try? reader.integer(Int16.self)) == 0,
      count >= 0, unsafe reader.remaining == 4 * Int(count)
    else { return nil }
    return (0..<count).compactMap { _ in
      unsafe (try? reader.integer(UInt32.self)).map { Float(bitPattern: $0) }
    }
  }
}

// MARK: - Values

extension PostgresValue {
  /// Decodes a field by its type; `.raw` for a type that the driver does not know.
  @unsafe init(_ field: ReceivedField) throws(DecodingFailure) {
    if unsafe field.isText {
      self = .text(unsafe try field.text())
      return
    }
    switch unsafe field.type {
    case .bool: self = .bool(unsafe try field.fixed(UInt8.self) != 0)
    case .int2: self = .int2(unsafe try field.fixed())
    case .int4: self = .int4(unsafe try field.fixed())
    case .int8: self = .int8(unsafe try field.fixed())
    case .oid: self = .int8(Int64(unsafe try field.fixed(UInt32.self)))
    case .float4: self = .float4(Float(bitPattern: unsafe try field.fixed()))
    case .float8: self = .float8(Double(bitPattern: unsafe try field.fixed()))
    case .numeric: self = .numeric(unsafe try NumericText.decode(field.bytes))
    case .text, .varchar, .bpchar, .name, .unknown, .xml: self = .text(unsafe try field.text())
    case .bytea: self = .bytea(unsafe [UInt8](field.bytes))
    case .uuid: self = .uuid(unsafe try field.uuid())
    case .timestamptz: self = .timestamptz(unsafe try field.microseconds())
    case .timestamp: self = .timestamp(unsafe try field.microseconds())
    case .date: self = .date(unsafe try field.days())
    case .json: self = .json(unsafe try field.text())
    case .jsonb: self = .jsonb(unsafe try field.jsonb())
    case .textArray, .varcharArray, .nameArray:
      self = .textArray(unsafe try field.array { e throws(DecodingFailure) in unsafe try e.text() })
    case .int4Array:
      self = .int4Array(unsafe try field.array { e throws(DecodingFailure) in unsafe try e.fixed() })
    case .int8Array:
      self = .int8Array(unsafe try field.array { e throws(DecodingFailure) in unsafe try e.fixed() })
    case .float4Array:
      self = .float4Array(
        unsafe try field.array { e throws(DecodingFailure) in Float(bitPattern: unsafe try e.fixed()) })
    case .float8Array:
      self = .float8Array(
        unsafe try field.array { e throws(DecodingFailure) in Double(bitPattern: unsafe try e.fixed()) })
    case .uuidArray:
      self = .uuidArray(unsafe try field.array { e throws(DecodingFailure) in unsafe try e.uuid() })
    default: self = .raw(type: unsafe field.type, bytes: unsafe [UInt8](field.bytes))
    }
  }
}
