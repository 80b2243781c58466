// Writes rows in the binary form of COPY (PostgreSQL manual, COPY, "Binary Format").

/// Rows in the binary form of COPY, in one buffer that grows and is used again: no allocation for a value.
///
/// ```swift
/// var encoder = PostgresCopyEncoder()
/// encoder.appendHeader()
/// encoder.beginRow(fields: 2)
/// encoder.append(uuid: id)
/// encoder.append(text: name)
/// encoder.appendTrailer()
/// ```
/// The server checks field counts and types: the columns must be of exactly the types that are appended.
public struct PostgresCopyEncoder: Sendable {
  /// A place in the buffer to which it can be taken back.
  public struct Mark: Sendable, Hashable {
    fileprivate let count: Int
  }

  /// What was encoded since the last `removeAll`.
  public private(set) var bytes: [UInt8] = []

  /// An empty buffer with room for `capacity` bytes.
  public init(capacity: Int = 128 * 1024) { bytes.reserveCapacity(capacity) }

  /// How many bytes there are: write them out at about 100 KB.
  public var count: Int { bytes.count }

  /// Empties the buffer and keeps its memory.
  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// The end of the buffer, to come back to.
  public func mark() -> Mark { Mark(count: bytes.count) }

  /// Takes back all that was appended since the mark; it must be of after the last `removeAll`.
  public mutating func rollback(to mark: Mark) {
    precondition(mark.count <= bytes.count, "the mark is older than the buffer's last removal")
    bytes.removeLast(bytes.count - mark.count)
  }

  // MARK: - Frame

  /// The signature and flags that begin a stream; once, before the first row.
  public mutating func appendHeader() {
    bytes.append(contentsOf: CopyFormat.signature)
    bytes.appendBigEndian(Int32(0))
    bytes.appendBigEndian(Int32(0))
  }

  /// The mark that ends a stream; once, behind the last row.
  public mutating func appendTrailer() { bytes.appendBigEndian(Int16(-1)) }

  /// Begins a row; exactly that many fields must follow.
  public mutating func beginRow(fields: Int) { bytes.appendBigEndian(Int16(fields)) }

  // MARK: - Fields

  /// NULL.
  public mutating func appendNull() { bytes.appendBigEndian(Int32(-1)) }

  /// `smallint`
  @inline(__always)
  public mutating func append(int2 value: Int16) {
    bytes.appendBigEndian(Int32(2))
    bytes.appendBigEndian(value)
  }

  /// `integer`
  @inline(__always)
  public mutating func append(int4 value: Int32) {
    bytes.appendBigEndian(Int32(4))
    bytes.appendBigEndian(value)
  }

  /// `bigint`
  @inline(__always)
  public mutating func append(int8 value: Int64) {
    bytes.appendBigEndian(Int32(8))
    bytes.appendBigEndian(value)
  }

  /// `real`
  public mutating func append(float4 value: Float) {
    bytes.appendBigEndian(Int32(4))
    bytes.appendBigEndian(value.bitPattern)
  }

  /// `double precision`
  public mutating func append(float8 value: Double) {
    bytes.appendBigEndian(Int32(8))
    bytes.appendBigEndian(value.bitPattern)
  }

  /// `boolean`
  public mutating func append(bool value: Bool) {
    bytes.appendBigEndian(Int32(1))
    bytes.append(value ? 1 : 0)
  }

  /// `text`, `varchar`, `json` and enums, from a string. The server refuses a NUL in it.
  public mutating func append(text value: String) { appendField { $0.append(utf8: value) } }

  /// `text`, `varchar`, `json` and enums, from their UTF-8. The server refuses a NUL in it, and what is not UTF-8.
  public mutating func append(text utf8: UnsafeRawBufferPointer) {
    bytes.appendBigEndian(Int32(utf8.count))
    unsafe bytes.append(contentsOf: utf8)
  }

  /// `bytea`
  public mutating func append(bytea value: UnsafeRawBufferPointer) {
    bytes.appendBigEndian(Int32(value.count))
    unsafe bytes.append(contentsOf: value)
  }

  /// `bytea`
  public mutating func append(bytea value: [UInt8]) {
    bytes.appendBigEndian(Int32(value.count))
    bytes.append(contentsOf: value)
  }

  /// `uuid`
  public mutating func append(uuid value: PostgresUUID) {
    bytes.appendBigEndian(Int32(16))
    bytes.append(uuid: value)
  }

  /// `timestamptz` and `timestamp`, in microseconds since 1970-01-01 00:00 (UTC); `Int64.max` and `.min` are the
  /// infinities. Times before what the server can hold are refused by it.
  public mutating func append(timestamptz microseconds: Int64) {
    bytes.appendBigEndian(Int32(8))
    let isInfinite = microseconds == .max || microseconds == .min
    bytes.appendBigEndian(isInfinite ? microseconds : microseconds &- ServerEpoch.microseconds)
  }

  /// `date`, in days since 1970-01-01; `Int32.max` and `.min` are the infinities.
  public mutating func append(date days: Int32) {
    bytes.appendBigEndian(Int32(4))
    bytes.appendBigEndian(days == .max || days == .min ? days : days &- ServerEpoch.days)
  }

  /// `jsonb`, from JSON text.
  public mutating func append(jsonb text: String) {
    appendField { bytes in
      bytes.append(1)  // the version of the binary form
      bytes.append(utf8: text)
    }
  }

  /// `jsonb`, from the UTF-8 of JSON text.
  public mutating func append(jsonb utf8: UnsafeRawBufferPointer) {
    bytes.appendBigEndian(Int32(utf8.count + 1))
    bytes.append(1)
    unsafe bytes.append(contentsOf: utf8)
  }

  /// `real[]`
  public mutating func append(float4Array values: [Float]) {
    appendField { $0.appendArray(of: .float4, values) { $0.appendBigEndian($1.bitPattern) } }
  }

  /// pgvector's `vector`, of 16,000 dimensions at most.
  public mutating func append(vector values: [Float]) {
    precondition(values.count <= Int16.max, "\(values.count) dimensions are more than a vector can have")
    bytes.appendBigEndian(Int32(4 + 4 * values.count))
    bytes.appendBigEndian(Int16(values.count))
    bytes.appendBigEndian(Int16(0))
    for value in values { bytes.appendBigEndian(value.bitPattern) }
  }

  /// Any value in its binary form. `text` and `numeric` become `text`.
  ///
  /// - Throws: `encoding` for text with a NUL and for times that the server cannot hold; nothing was appended then.
  public mutating func append(_ value: PostgresValue) throws(PostgresError) {
    guard !value.isNull else { return appendNull() }
    let start = bytes.count
    bytes.appendBigEndian(Int32(0))
    do {
      try value.encode(into: &bytes)
    } catch {
      bytes.removeLast(bytes.count - start)
      throw error
    }
    bytes.putBigEndian(Int32(bytes.count - start - 4), at: start)
  }

  /// A field that is already in its type's binary form, or whose form the closure writes: the length is filled in.
  public mutating func appendField(_ write: (inout [UInt8]) -> Void) {
    let start = bytes.count
    bytes.appendBigEndian(Int32(0))
    write(&bytes)
    bytes.putBigEndian(Int32(bytes.count - start - 4), at: start)
  }
}

/// The frame of the binary form of COPY.
enum CopyFormat {
  static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]
}
