// Fields that may be missing: NULL in a binary COPY.

import Postgres

extension PostgresCopyEncoder {
  /// `jsonb`, from the UTF-8 of JSON text.
  mutating func append(jsonb text: [UInt8]) { unsafe text.withUnsafeBytes { unsafe append(jsonb: $0) } }

  /// `jsonb`, whose text the closure writes.
  mutating func appendJSONB(_ write: (inout [UInt8]) -> Void) {
    appendField { bytes in
      bytes.append(1)  // the version of the binary form
      write(&bytes)
    }
  }

  /// `text`, from UTF-8 that has no NUL.
  mutating func append(text utf8: [UInt8]) { unsafe utf8.withUnsafeBytes { unsafe append(text: $0) } }

  /// `jsonb`, or NULL.
  mutating func append(jsonb text: [UInt8]?) {
    if let text { append(jsonb: text) } else { appendNull() }
  }

  /// `text`, or NULL.
  mutating func append(text value: String?) {
    if let value { append(text: value) } else { appendNull() }
  }

  /// `double precision`, or NULL.
  mutating func append(float8 value: Double?) {
    if let value { append(float8: value) } else { appendNull() }
  }

  /// `timestamptz`, in microseconds since 1970 UTC, or NULL.
  mutating func append(timestamptz microseconds: Int64?) {
    if let microseconds { append(timestamptz: microseconds) } else { appendNull() }
  }

  /// The frame of a stream: what goes before the first row, and behind the last.
  static let frame: (header: [UInt8], trailer: [UInt8]) = {
    var header = PostgresCopyEncoder(capacity: 32)
    header.appendHeader()
    var trailer = PostgresCopyEncoder(capacity: 8)
    trailer.appendTrailer()
    return (header.bytes, trailer.bytes)
  }()
}
