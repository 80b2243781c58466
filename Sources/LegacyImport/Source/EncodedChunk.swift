// Some rows of a source table, ready to be copied: what commits together with one line of the ledger.

import AgentBase
import Postgres

/// Rows of one source table, encoded.
struct EncodedChunk: Sendable {
  /// The places of the first and the last row that were read: rowids, or ordinals where the table has none.
  var firstRow: Int64
  var lastRow: Int64
  /// The rows that Postgres can hold, as a binary COPY has them, without header and trailer.
  var bytes: [UInt8] = []
  /// Where each of them starts in `bytes`.
  var starts: [Int] = []
  /// The identity and the place of each of them.
  var rows: [(uuid: PostgresUUID, sourceRow: Int64)] = []
  /// The rows that Postgres cannot hold.
  var rejects: [Reject] = []
  /// SHA-256 of the raw values of all rows that were read; empty where the chunk is not for the ledger.
  var digest: [UInt8] = []

  /// Rows that were read.
  var rowsRead: Int { rows.count + rejects.count }

  /// The rows of these identities alone; places, digest and range are those of the whole chunk.
  func only(_ identities: Set<PostgresUUID>) -> EncodedChunk { filtered(identities.contains) }

  /// The rows of all but these identities; places, digest and range are those of the whole chunk.
  func without(_ identities: Set<PostgresUUID>) -> EncodedChunk { filtered { !identities.contains($0) } }

  private func filtered(_ isWanted: (PostgresUUID) -> Bool) -> EncodedChunk {
    var some = EncodedChunk(firstRow: firstRow, lastRow: lastRow)
    for (place, row) in rows.enumerated() where isWanted(row.uuid) {
      some.starts.append(some.bytes.count)
      some.rows.append(row)
      some.bytes += bytes(of: place..<place + 1)
    }
    some.rejects = rejects.filter { isWanted($0.uuid) }
    some.digest = digest
    return some
  }

  /// The bytes of the rows at these places.
  func bytes(of places: Range<Int>) -> ArraySlice<UInt8> {
    guard let first = places.first else { return [] }
    return bytes[starts[first]..<(places.upperBound < starts.count ? starts[places.upperBound] : bytes.count)]
  }
}

/// A row that Postgres cannot hold.
struct Reject: Sendable {
  let uuid: PostgresUUID
  /// The place in the source: the rowid, where there is one.
  let sourceRow: Int64
  /// The primary key, as JSON.
  let key: JSON
  let reason: String
  /// The raw values with their storage classes, by column.
  let values: JSON
}
