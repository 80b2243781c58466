// Has an agent's old code read all that our own tables of a file hold of it: what a rollback ends with.

import Foundation
package import SQLite

/// What became of an agent's rows in the legacy tables.
package struct MirrorOutcome: Sendable {
  /// Rows that no legacy table took.
  package struct Left: Sendable, Hashable {
    /// The table of ours that they are in alone.
    package var table: String
    /// Why.
    package var reason: String
  }

  /// How many rows each legacy table took.
  package var mirrored: [String: Int] = [:]
  /// How many rows none took, by the reason that the likeliest gave.
  package var left: [Left: Int] = [:]

  /// Nothing yet.
  package init() {}

  /// Adds what became of another agent's.
  package mutating func add(_ other: MirrorOutcome) {
    mirrored.merge(other.mirrored, uniquingKeysWith: +)
    left.merge(other.left, uniquingKeysWith: +)
  }
}

/// The mirrors of a whole file.
package enum MirrorPass {
  /// How many rows are looked at at once.
  private static let batch = 500

  /// Mirrors every row that our own tables hold of an agent.
  ///
  /// - Parameter ownsFile: whether tables that do not say whose a row is are the agent's own; times in them are UTC.
  /// - Throws: `SQLiteError`. A row that no table takes is an outcome.
  package static func run(
    of agent: String, ownsFile: Bool, on connection: SQLiteConnection
  ) throws -> MirrorOutcome {
    try connection.transaction {
      let catalog = try SQLiteCatalog(reading: connection, version: try connection.schemaVersion())
      var outcome = MirrorOutcome()
      let mirrors = SQLiteMirrors(
        connection: connection, catalog: catalog, zone: .gmt, ownsFile: ownsFile)
      for kind in LegacyKind.allCases {
        guard let own = catalog.ownTable(of: kind) else { continue }
        var last = Int64.min
        while true {
          let rows = try connection.query(
            "SELECT id FROM \(own.quotedName) WHERE agent_id = ? AND id > ? ORDER BY id LIMIT \(batch)",
            [.text(agent), .integer(last)]
          ).compactMap { $0[0].int64 }
          guard let end = rows.last else { break }
          last = end
          for rowID in rows {
            if let misfit = try mirrors.reflect(kind, rowID: rowID) {
              outcome.left[.init(table: own.table.name, reason: misfit.reason), default: 0] += 1
            }
          }
        }
      }
      try count(agent, catalog, connection, into: &outcome)
      return outcome
    }
  }

  private static func count(
    _ agent: String, _ catalog: SQLiteCatalog, _ connection: SQLiteConnection,
    into outcome: inout MirrorOutcome
  ) throws {
    for own in catalog.tables where own.isOwn {
      for row in try connection.query(
        """
        SELECT source, count(*) FROM main.\(MirrorSQL.table) AS mirror JOIN \(own.quotedName) AS own ON own.id = mirror.own_id
        WHERE mirror.own = ? AND own.agent_id = ? GROUP BY source
        """, [.text(own.table.name), .text(agent)])
      {
        outcome.mirrored[row[0].string ?? "", default: 0] += Int(row[1].int64 ?? 0)
      }
    }
  }
}
