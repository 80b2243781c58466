// The parameters of one statement in the form that libpq takes them.

import CPostgres

/// Encoded values, one after the other in one buffer that is used again for each statement.
@safe struct ParameterBuffer {
  private var bytes: [UInt8] = []
  private var offsets: [Int] = []
  private var lengths: [Int32] = []
  private var formats: [Int32] = []
  private var pointers: [UnsafePointer<CChar>?] = unsafe []

  /// The most parameters that the protocol can carry.
  static let limit = 65_535

  /// Encodes the values in place of those before.
  mutating func encode(_ values: [PostgresValue]) throws(PostgresError) {
    guard values.count <= Self.limit else {
      throw PostgresError(.encoding, "\(values.count) parameters are more than the protocol's \(Self.limit)")
    }
    // A single giant value is not kept for ever.
    bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    offsets.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
    formats.removeAll(keepingCapacity: true)
    for value in values {
      let start = bytes.count
      try value.encode(into: &bytes)
      let length = bytes.count - start
      guard length <= 1 << 30 else {
        throw PostgresError(.encoding, "a value is larger than the server's 1 GB")
      }
      offsets.append(value.isNull ? -1 : start)
      lengths.append(Int32(length))
      formats.append(value.isSentAsText ? 0 : 1)
      if value.isSentAsText { bytes.append(0) }  // libpq measures text by its NUL
    }
    // An empty buffer has no address, and an empty value must not look like NULL.
    bytes.append(0)
  }

  /// Lends count, values, lengths and formats as `PQsendQueryParams` takes them.
  mutating func withArguments<R>(
    _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> R
  ) -> R {
    let count = Int32(offsets.count)
    guard count > 0 else { return body(0, nil, nil, nil) }
    return unsafe bytes.withUnsafeBytes { buffer in
      unsafe pointers.removeAll(keepingCapacity: true)
      for offset in offsets {
        let address = offset < 0 ? nil : unsafe buffer.baseAddress.map { unsafe $0 + offset }
        unsafe pointers.append(address.map { unsafe $0.assumingMemoryBound(to: CChar.self) })
      }
      return unsafe pointers.withUnsafeBufferPointer { values in
        unsafe lengths.withUnsafeBufferPointer { lengths in
          unsafe formats.withUnsafeBufferPointer { formats in
            unsafe body(count, values.baseAddress, lengths.baseAddress, formats.baseAddress)
          }
        }
      }
    }
  }
}
