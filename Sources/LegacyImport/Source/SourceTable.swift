// A table of a legacy file on its way into Postgres: where from, where to, and under which identity.

import AgentBase

/// A legacy table that is moved.
struct SourceTable: Sendable {
  /// The file that it is in.
  let file: LegacyFile
  /// How it is declared and read.
  let schema: LegacySchema.Table
  /// Where its rows go.
  let target: ImportTarget
  /// What stands in every row that came from it, and in the ledger.
  let sourceID: Int64

  var table: LegacyTable { schema.table }

  /// What the ledger knows it by.
  var inLedger: LedgerSource { LedgerSource(agent: file.agent, id: sourceID) }

  /// A table of a file.
  ///
  /// - Parameter sourceID: the identity that it has in Postgres; nil for the one that follows from agent, file and table.
  init(file: LegacyFile, schema: LegacySchema.Table, sourceID: Int64? = nil) {
    self.file = file
    self.schema = schema
    target = ImportTarget(schema.table)
    self.sourceID =
      sourceID ?? LegacyIdentity(agent: file.agent, file: file.relativePath, table: schema.table.name).number
  }

  /// Whether SQLite or a virtual table keeps its books in it. No row of such a table means anything by itself: Postgres holds
  /// all of them as they were at one moment, whatever is to be done with rows that are there.
  var isBookkeeping: Bool { schema.storage == .shadow || table.name.hasPrefix("sqlite_") }

  /// The column that says whose each row is, unless the user has said it.
  var agentColumn: Int? { file.agentIsGiven ? nil : table.roles[.agent] }
}
