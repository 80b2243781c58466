// The digest of raw rows that the ledger keeps: it tells a changed source, and proves a rollback.

import SQLite

/// SHA-256 over the raw values of rows, each with its place, storage classes and bytes.
struct RowDigest: ~Copyable {
  private let digest = SHA256()

  /// Adds the row that the statement of a scan stands on.
  func update(_ row: borrowing SQLiteStatement, position: Int64) {
    digest.update(position)
    for column in 1..<max(1, row.columnCount) {
      switch row.storageClass(column) {
      case .null: digest.update(0)
      case .integer:
        digest.update(1)
        digest.update(row.integer(column))
      case .real:
        digest.update(2)
        digest.update(Int64(bitPattern: row.real(column).bitPattern))
      case .text: update(3, row, column)
      case .blob: update(4, row, column)
      }
    }
  }

  private func update(_ storageClass: Int64, _ row: borrowing SQLiteStatement, _ column: Int) {
    unsafe row.withBytes(column) { bytes in
      digest.update(storageClass)
      digest.update(Int64(bytes.count))
      unsafe digest.update(bytes)
    }
  }

  /// The digest; it is empty again afterwards.
  func finish() -> [UInt8] { digest.finish() }
}
