// The identity of a legacy row: the same UUID on every run and every machine.

import Postgres

/// The UUIDs of one table's rows: version 8 (RFC 9562), made of a hash of the table and of the row's key.
///
/// The 60 free bits above are of SHA-256 over (agent, file relative to the agents' folder, table). Of the 62 below, the
/// highest is 0 and the others are the key, where the key is an integer from 0 to 2⁶¹-1; else it is 1, and the others
/// are of SHA-256 over the key. So two rows of a table never share an identity by their integer keys, and identities
/// grow in insertion order, which a B-tree likes.
struct LegacyIdentity: Sendable, Hashable {
  /// The 60 bits of the table.
  let table: UInt64

  /// The identity of a table of an agent's file.
  init(agent: String, file: String, table: String) {
    let digest = SHA256()
    for part in [agent, file, table] {
      digest.update(Int64(part.utf8.count))
      digest.update(part.utf8)
    }
    self.table = digest.finish().prefix(8).reduce(0) { $0 << 8 | UInt64($1) } >> 4
  }

  /// The identity of a whole file, in the same way.
  static func file(agent: String, file: String) -> Int64 {
    LegacyIdentity(agent: agent, file: file, table: "").number
  }

  /// The table's bits as a positive number: `source_id`.
  var number: Int64 { Int64(table) }

  /// The UUID of the row with an integer key.
  func uuid(key: Int64) -> PostgresUUID {
    guard key < 0 || key >= 1 << 61 else { return PostgresUUID(table: table, row: UInt64(key)) }
    let digest = SHA256()
    digest.update([1])
    digest.update(key)
    return uuid(keyDigest: digest.finish())
  }

  /// The UUID of the row whose key hashes to this digest.
  func uuid(keyDigest: [UInt8]) -> PostgresUUID {
    let bits = keyDigest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    return PostgresUUID(table: table, row: bits >> 3 | 1 << 61)
  }
}

extension PostgresUUID {
  /// Lays 60 bits of the table and 62 of the row around version 8 and variant 2.
  init(table: UInt64, row: UInt64) {
    self.init(
      high: (table >> 12) << 16 | 0x8000 | (table & 0xFFF),
      low: 0x8000_0000_0000_0000 | (row & 0x3FFF_FFFF_FFFF_FFFF))
  }

  /// The 62 bits of the row.
  var row: Int64 { Int64(low & 0x3FFF_FFFF_FFFF_FFFF) }
}
