// Single values of a row, from the statement of a scan straight into the fields of a binary COPY. Values of the common
// storage classes are never made into anything between; all others go through `LegacyConversion`.

import AgentBase
import Postgres
import SQLite

extension PostgresCopyEncoder {
  /// `text`: as `LegacyConversion.text` makes it; NULL for NULL and where there is no column.
  mutating func append(textOf row: borrowing SQLiteStatement, _ column: Int?) {
    guard let column else { return appendNull() }
    switch row.storageClass(column) {
    case .null: appendNull()
    case .integer: appendField { DecimalDigits.append(row.integer(column), to: &$0) }
    case .text where append(validTextOf: row, column): break
    case .text, .real, .blob: append(text: LegacyConversion.text(row.value(column)))
    }
  }

  /// `text`, where the value is text that is not empty; appends nothing otherwise.
  ///
  /// - Returns: whether it did.
  mutating func append(nameOf row: borrowing SQLiteStatement, _ column: Int?) -> Bool {
    guard let column else { return false }
    switch row.storageClass(column) {
    case .null: return false
    case .text where row.byteCount(column) == 0: return false
    case .text where append(validTextOf: row, column): return true
    case .text, .integer, .real, .blob:
      guard let text = LegacyConversion.text(row.value(column)), !text.isEmpty else { return false }
      append(text: text)
      return true
    }
  }

  /// Appends text that Postgres can hold as it is; appends nothing, and answers false, where it is not.
  private mutating func append(validTextOf row: borrowing SQLiteStatement, _ column: Int) -> Bool {
    unsafe row.withBytes(column) { bytes in
      guard unsafe PlainText.isValid(bytes) else { return false }
      unsafe append(text: bytes)
      return true
    }
  }

  /// `jsonb`: as `LegacyConversion.json` makes it; NULL for NULL and where there is no column.
  mutating func append(jsonOf row: borrowing SQLiteStatement, _ column: Int?) {
    guard let column, row.storageClass(column) != .null else { return appendNull() }
    if row.storageClass(column) == .text {
      let isCopied = unsafe row.withBytes(column) { bytes in
        guard unsafe PlainText.isValid(bytes), unsafe CanonicalJSON.isCanonical(bytes) else { return false }
        unsafe append(jsonb: bytes)
        return true
      }
      if isCopied { return }
    }
    append(jsonb: LegacyConversion.json(row.value(column)).map { Array($0.jsonbText.utf8) })
  }
}

extension SQLiteStatement {
  /// How many bytes a TEXT or BLOB has.
  fileprivate borrowing func byteCount(_ column: Int) -> Int { unsafe withBytes(column) { $0.count } }

  /// Whether a column is NULL, or not there.
  borrowing func isNull(_ column: Int?) -> Bool { column.map { storageClass($0) == .null } ?? true }

  /// The number that `LegacyConversion.number` makes of a column; nil where there is none.
  borrowing func number(_ column: Int?) -> Double? {
    guard let column else { return nil }
    return switch storageClass(column) {
    case .null, .blob: nil
    case .integer: Double(integer(column))
    case .real: real(column)
    case .text: LegacyConversion.number(value(column))
    }
  }

  /// The time that `LegacyTime` reads in a column, in microseconds since 1970 UTC; nil where there is none.
  borrowing func time(_ column: Int?, _ time: LegacyTime) -> Int64? {
    guard let column else { return nil }
    switch storageClass(column) {
    case .null, .blob: return nil
    case .integer, .real: return time.microseconds(of: value(column))
    case .text:
      let dateTime = unsafe withBytes(column) { unsafe time.microseconds(ofDateTime: $0) }
      return dateTime ?? time.microseconds(of: value(column))
    }
  }
}
