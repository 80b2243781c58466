// Arrays of Postgres whose elements may be NULL, in the binary form.

import Postgres

extension PostgresValue {
  /// Texts as a `text[]`.
  static func textArray(_ texts: [String?]) -> PostgresValue {
    array(of: 25, type: 1009, texts.map { $0.map { Array($0.utf8) } })
  }

  /// JSON texts as a `jsonb[]`.
  static func jsonbArray(_ texts: [String?]) -> PostgresValue {
    // The version of jsonb's wire form comes first.
    array(of: 3802, type: 3807, texts.map { $0.map { [1] + Array($0.utf8) } })
  }

  /// Whole numbers as a `bigint[]`.
  static func int8Array(_ numbers: [Int64?]) -> PostgresValue {
    array(of: 20, type: 1016, numbers.map { $0.map { bytes($0) } })
  }

  /// Numbers as a `double precision[]`.
  static func float8Array(_ numbers: [Double?]) -> PostgresValue {
    array(of: 701, type: 1022, numbers.map { $0.map { bytes(Int64(bitPattern: $0.bitPattern)) } })
  }

  /// Moments as a `timestamptz[]`; the server counts from 2000.
  static func timestamptzArray(_ dates: [Timestamp?]) -> PostgresValue {
    array(of: 1184, type: 1185, dates.map { $0.map { bytes($0.microseconds - 946_684_800_000_000) } })
  }

  private static func bytes(_ number: Int64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * Int64($0))) }
  }

  private static func array(of element: Int32, type: UInt32, _ elements: [[UInt8]?]) -> PostgresValue {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(20 + elements.reduce(0) { $0 + 4 + ($1?.count ?? 0) })
    func append(_ number: Int32) {
      for shift in [24, 16, 8, 0] as [Int32] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
    // One dimension, whether there are NULLs, the type of the elements; how many there are, counted from 1.
    append(elements.isEmpty ? 0 : 1)
    append(elements.contains { $0 == nil } ? 1 : 0)
    append(element)
    if !elements.isEmpty {
      append(Int32(elements.count))
      append(1)
    }
    for element in elements {
      append(element.map { Int32($0.count) } ?? -1)
      if let element { bytes.append(contentsOf: element) }
    }
    return .raw(type: PostgresType(rawValue: type), bytes: bytes)
  }
}
