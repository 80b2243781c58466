// The identity of a row by its key.

import AgentBase
import Postgres
import SQLite

extension LegacyKey {
  /// The row's UUID. An integer key is in it as it is; any other is hashed with its storage classes, and with the rowid where
  /// it holds a NULL, which SQLite lets stand in several rows.
  func uuid(in identity: LegacyIdentity) -> PostgresUUID {
    if values.isEmpty, let rowID { return identity.uuid(key: rowID) }
    if values.count == 1, case .integer(let key) = values[0] { return identity.uuid(key: key) }
    let digest = SHA256()
    digest.update([0])
    for value in values { value.update(digest) }
    if let rowID, values.contains(.null) { digest.update(rowID) }
    return identity.uuid(keyDigest: digest.finish())
  }
}

extension SQLiteValue {
  /// Adds the storage class and the bytes of the value, so that no two values add the same.
  func update(_ digest: borrowing SHA256) {
    switch self {
    case .null: digest.update([0])
    case .integer(let number):
      digest.update([1])
      digest.update(number)
    case .real(let number):
      digest.update([2])
      digest.update(Int64(bitPattern: number.bitPattern))
    case .text(let text):
      digest.update([3])
      digest.update(Int64(text.utf8.count))
      digest.update(text.utf8)
    case .malformedText(let bytes):
      digest.update([3])
      digest.update(Int64(bytes.count))
      digest.update(bytes)
    case .blob(let bytes):
      digest.update([4])
      digest.update(Int64(bytes.count))
      digest.update(bytes)
    }
  }
}
