// What a comparison without a difference has seen of a table, by which the next run knows that nothing has changed since.

import AgentBase
import Foundation

/// The rows of a source in Postgres, as far as it takes to tell that none of them was touched.
///
/// Each change of a row writes a new one, under the number of a later transaction. So of as many rows as before, the sum of
/// these numbers (the system column `xmin`) is greater when any of them has been replaced.
struct Proof: Sendable, Equatable {
  /// How many rows there were.
  private(set) var rows = 0
  /// The sum of their transactions' numbers.
  private(set) var transactions: UInt64 = 0

  /// No rows.
  init() {}

  /// What the server counts.
  init(rows: Int, transactions: UInt64) {
    self.rows = rows
    self.transactions = transactions
  }

  /// Counts a row.
  mutating func add(transaction: UInt32) {
    rows += 1
    transactions += UInt64(transaction)
  }

  /// The proof as the books keep it, with what the comparison depended on beside the rows.
  func text(time: LegacyTime, embeddingType: EmbeddingType) -> String {
    "\(rows) rows, \(transactions), \(time.naiveZone.identifier), \(embeddingType)"
  }
}
