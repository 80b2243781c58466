// Compares a row as it would be sent with the row that Postgres holds, value for value.

import AgentBase
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
  /// in the metadata the time of the migration is left out: a row that an earlier run loaded carries the time of that run.
  ///
  /// - Parameters:
  ///   - expected: a row of a binary COPY.
  ///   - actual: the row as the server answers it, with the same columns.
  func differences(expected: ArraySlice<UInt8>, actual: PostgresRow) -> [String] {
    var differing: [String] = []
    unsafe expected.withUnsafeBytes { bytes in
      var offset = 2
      for (place, name) in columns.enumerated() {
        let length = Int(unsafe Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
        offset += 4
        let field =
          unsafe length < 0 ? nil : UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
        offset += max(0, length)
        let isSame = unsafe actual.withBytes(place) { unsafe self.isSame(field, $0, column: place) }
        if !isSame { differing.append(name) }
      }
    }
    return differing
  }

  private func isSame(_ expected: UnsafeRawBufferPointer?, _ actual: UnsafeRawBufferPointer?, column: Int)
    -> Bool
  {
    guard let expected = unsafe expected, let actual = unsafe actual else {
      return unsafe expected == nil && actual == nil
    }
    if unsafe expected.elementsEqual(actual) { return true }
    guard isJSON[column] else { return false }
    let isMetadata = columns[column] == "metadata"
    let left = unsafe Self.json(expected, withoutTime: isMetadata)
    let right = unsafe Self.json(actual, withoutTime: isMetadata)
    return left != nil && left == right
  }

  /// The value of a jsonb in binary form: a version, then text.
  private static func json(_ bytes: UnsafeRawBufferPointer, withoutTime: Bool) -> JSON? {
    guard let value = unsafe try? JSON(parsing: Array(bytes.dropFirst())) else { return nil }
    guard withoutTime, case .object(var object) = value else { return value }
    object["migrated_at"] = nil
    return .object(object)
  }
}
