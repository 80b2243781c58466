// What a scan asks of the two encoders: that of agents' rows, and that of a table's rows as they are.

import AgentBase
import Postgres
import SQLite

/// Turns the rows of one source table into rows of a binary COPY.
protocol RowEncoding: Sendable {
  /// Encodes the row that the statement of `scanSQL` stands on.
  ///
  /// - Parameter position: the row's place: its rowid, or its ordinal where that cannot be read.
  mutating func encode(
    _ row: borrowing SQLiteStatement, position: Int64, into buffer: inout PostgresCopyEncoder
  ) -> RowEncoder.Outcome

  /// The values of the row that the statement stands on: storage class and value, by column.
  func rawValues(of row: borrowing SQLiteStatement) -> JSON
}
