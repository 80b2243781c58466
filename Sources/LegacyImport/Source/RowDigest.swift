// The digest of raw rows that the ledger keeps: it tells a changed source, and proves a rollback.

import SQLite

/// SHA-256 over the raw values of rows, each with its place, storage classes and bytes.
struct RowDigest: ~Copyable {
  private let digest = SHA256()
  /// What is not digested yet: libcrypto takes longer to be called than to digest a value.
  private var pending: [UInt8] = []
  private static let most = 32 << 10

  /// Adds the row that the statement of a scan stands on.
  mutating func update(_ row: borrowing SQLiteStatement, position: Int64) {
    append(position)
    for column in 1..<max(1, row.columnCount) {
      switch row.storageClass(column) {
      case .null: append(0)
      case .integer:
        append(1)
        append(row.integer(column))
      case .real:
        append(2)
        append(Int64(bitPattern: row.real(column).bitPattern))
      case .text: append(3, row, column)
      case .blob: append(4, row, column)
      }
    }
    if pending.count >= Self.most { flush() }
  }

  private mutating func append(_ storageClass: Int64, _ row: borrowing SQLiteStatement, _ column: Int) {
    append(storageClass)
    unsafe row.withBytes(column) { bytes in
      append(Int64(bytes.count))
      if bytes.count < Self.most {
        unsafe pending.append(contentsOf: bytes)
      } else {
        flush()
        unsafe digest.update(bytes)
      }
    }
  }

  private mutating func append(_ value: Int64) {
    unsafe withUnsafeBytes(of: value.bigEndian) { unsafe pending.append(contentsOf: $0) }
  }

  private mutating func flush() {
    unsafe pending.withUnsafeBytes { unsafe digest.update($0) }
    pending.removeAll(keepingCapacity: true)
  }

  /// The digest; it is empty again afterwards.
  mutating func finish() -> [UInt8] {
    flush()
    return digest.finish()
  }
}
