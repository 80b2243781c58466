// Compares two tables whose rows stand in different orders: by hashes, a part at a time, so that what is held stays small.

import AgentBase
import Postgres

/// The comparison of a copied table by hashes of its rows' keys and of whole rows.
struct HashedVerification: Sendable {
  let verification: CopyVerification

  /// The most rows of a part: some 30 MB.
  private static let mostRows = 400_000

  /// A row of the source that waits for its partner.
  private struct Waiting {
    let row: Int
    let position: Int64
    /// How many rows of the source are the same, where nothing tells them from each other.
    var count = 1

    func with(count: Int) -> Waiting { Waiting(row: row, position: position, count: count) }
  }

  /// Compares.
  func run() async throws -> CopyVerification.Findings {
    let rows = try await verification.copy.reader.rowCount(of: verification.route.source.table.name)
    let parts = max(1, (rows + Self.mostRows - 1) / Self.mostRows)
    var found = CopyVerification.Findings()
    for part in 0..<parts { try await compare(part: part, of: parts, &found) }
    return found
  }

  private func compare(part: Int, of parts: Int, _ found: inout CopyVerification.Findings) async throws {
    var waiting = try await expected(part: part, of: parts, &found)
    var sum = found
    let hasKey = verification.route.key != nil
    var seen: Set<Int> = []
    try await verification.connection.transaction(.readOnlySnapshot) { connection in
      var decoder = PostgresCopyDecoder()
      try await connection.copyOut(verification.selection) { (batch: PostgresCopyBatch) in
        for place in 0..<batch.count {
          guard let row = unsafe try decoder.row(of: batch[place]).map({ unsafe Array($0) }) else { continue }
          let key = verification.key(of: row).hashValue
          guard key.magnitude % UInt(parts) == UInt(part) else { continue }
          if hasKey {
            guard let partner = waiting.removeValue(forKey: key) else {
              sum.beyond += 1
              continue
            }
            sum.compared += 1
            if partner.row != row.hashValue {
              sum.addAltered(.init(kind: .altered, position: partner.position))
            }
          } else if let partner = waiting[key] {
            sum.compared += 1
            waiting[key] = partner.count > 1 ? partner.with(count: partner.count - 1) : nil
            if partner.count == 1 { seen.insert(key) }
          } else if seen.contains(key) {
            sum.repeated += 1
          } else {
            sum.beyond += 1
          }
        }
      }
    }
    for row in waiting.values {
      for _ in 0..<row.count {
        sum.missing.append(.init(kind: .missing, position: row.position))
      }
    }
    found = sum
  }

  /// The rows of the source in this part, by the hashes of their keys. Of two with one key the first counts, and the other is
  /// there where it has the same values.
  private func expected(
    part: Int, of parts: Int, _ found: inout CopyVerification.Findings
  ) async throws -> [Int: Waiting] {
    let hasKey = verification.route.key != nil
    var rows = try await verification.expectedRows(announces: false)
    var waiting: [Int: Waiting] = [:]
    while let row = try await rows.next() {
      let bytes = Array(row.bytes)
      let key = verification.key(of: bytes).hashValue
      guard key.magnitude % UInt(parts) == UInt(part) else { continue }
      guard let known = waiting[key] else {
        waiting[key] = Waiting(row: bytes.hashValue, position: row.sourceRow)
        continue
      }
      if !hasKey {
        waiting[key] = known.with(count: known.count + 1)
      } else if known.row != bytes.hashValue {
        found.addAltered(.init(kind: .altered, position: row.sourceRow))
      }
    }
    return waiting
  }
}
