// Compares a row as it would be sent with the row that Postgres holds, value for value.

import AgentBase
import Glibc
import Postgres

/// The comparison of rows of one table.
struct RowComparison: Sendable {
  /// The columns, in the order of the copy and of the answer.
  let columns: [String]
  /// Which of them are jsonb.
  private let isJSON: [Bool]

  /// Compares rows of a table.
  init(_ target: ImportTarget) {
    columns = target.columns
    isJSON = target.columns.map(target.jsonColumns.contains)
  }

  /// The columns in which the rows differ.
  ///
  /// Values are compared by their bytes in Postgres' binary form. Where those of a jsonb differ, its values are compared, and
  /// in the metadata the time of the migration is left out: a row that was there before carries the time of another run.
  ///
  /// - Parameters:
  ///   - expected: a row of a binary COPY.
  ///   - actual: the row as the server answers it, with the same columns.
  func differences(expected: ArraySlice<UInt8>, actual: PostgresRow) -> [String] {
    unsafe expected.withUnsafeBytes { bytes in
      unsafe differences(expected: CopiedFields(bytes)) { place, isSame in
        unsafe actual.withBytes(place) { unsafe isSame($0) }
      }
    }
  }

  /// The columns in which the rows differ, both being rows of a binary COPY, whatever fields follow in the second one.
  func differences(expected: UnsafeRawBufferPointer, actual: UnsafeRawBufferPointer) -> [String] {
    // But for the count of fields.
    if unsafe Self.haveSameBytes(.init(rebasing: expected.dropFirst(2)), .init(rebasing: actual.dropFirst(2)))
    {
      return []
    }
    var fields = unsafe CopiedFields(actual)
    return unsafe differences(expected: CopiedFields(expected)) { _, isSame in unsafe isSame(fields.next()) }
  }

  private func differences(
    expected: consuming CopiedFields,
    actual: (_ place: Int, _ isSame: (UnsafeRawBufferPointer?) -> Bool) -> Bool
  ) -> [String] {
    var differing: [String] = []
    for (place, name) in columns.enumerated() {
      let field = unsafe expected.next()
      let isSame = unsafe actual(place) { unsafe self.isSame(field, $0, column: place) }
      if !isSame { differing.append(name) }
    }
    return differing
  }

  private func isSame(_ expected: UnsafeRawBufferPointer?, _ actual: UnsafeRawBufferPointer?, column: Int)
    -> Bool
  {
    guard let expected = unsafe expected, let actual = unsafe actual else {
      return unsafe expected == nil && actual == nil
    }
    if unsafe Self.haveSameBytes(expected, actual) { return true }
    guard isJSON[column] else { return false }
    let isMetadata = columns[column] == "metadata"
    let left = unsafe Self.json(expected, withoutTime: isMetadata)
    let right = unsafe Self.json(actual, withoutTime: isMetadata)
    return left != nil && left == right
  }

  static func haveSameBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count else { return false }
    guard let start = left.baseAddress, let other = right.baseAddress else { return true }
    return unsafe memcmp(start, other, left.count) == 0
  }

  /// The value of a jsonb in binary form: a version, then text.
  private static func json(_ bytes: UnsafeRawBufferPointer, withoutTime: Bool) -> JSON? {
    guard let value = unsafe try? JSON(parsing: Array(bytes.dropFirst())) else { return nil }
    guard withoutTime, case .object(var object) = value else { return value }
    object["migrated_at"] = nil
    return .object(object)
  }
}

/// The fields of a row of a binary COPY, one after the other. The bytes are lent for its lifetime.
@safe
struct CopiedFields: ~Copyable {
  private let row: UnsafeRawBufferPointer
  private var offset = 2

  /// The fields of a row, which begins with their count.
  init(_ row: UnsafeRawBufferPointer) { unsafe self.row = row }

  /// The next field; nil for NULL, and past the end.
  mutating func next() -> UnsafeRawBufferPointer? {
    guard unsafe offset + 4 <= row.count else { return nil }
    let length = Int(unsafe Int32(bigEndian: row.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
    offset += 4
    guard length >= 0, unsafe offset + length <= row.count else { return nil }
    defer { offset += length }
    return unsafe UnsafeRawBufferPointer(rebasing: row[offset..<offset + length])
  }
}
