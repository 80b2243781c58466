// Writes one file: the imported rows, the proof that they are as they were, and what agents wrote since.

import AgentBase
import Postgres
import SQLite

/// The restoration of one file.
struct FileRestoration: Sendable {
  let archive: Archive
  let file: PlannedFile
  let onEvent: @Sendable (ImportEvent) -> Void

  /// Rows that are fetched at once.
  private static let batch = 500

  /// Writes the file; what the user should know is added to the warnings.
  func run(_ warnings: inout [String]) async throws -> RollbackReport.File {
    let builder = FileBuilder(path: file.path)
    var report = RollbackReport.File(path: file.path, agent: file.owner)
    do {
      if let archived = file.archived { try await restore(archived, with: builder, &report, &warnings) }
      for writer in file.writers {
        try await archive.forEachWritten(by: writer) { rows in
          try await builder.write(rows)
          report.written += rows.count
        }
      }
      try await builder.finish(journalMode: file.archived?.pragmas["journal_mode"])
    } catch {
      await builder.abandon()
      throw error
    }
    return report
  }

  // MARK: - Imported rows

  private func restore(
    _ archived: ArchivedFile, with builder: FileBuilder, _ report: inout RollbackReport.File,
    _ warnings: inout [String]
  ) async throws {
    let tables = try await tables(of: archived, &warnings)
    try await builder.makeTables(pragmas: archived.pragmas, objects: archived.objects)
    var deletions: [Int64: Int] = [:]
    for table in tables {
      let name = table.table.name
      onEvent(.began(.restoring, file: archived.path, table: name, target: table.target.table, rows: 0))
      if table.isSQLitesOwn { try await builder.empty(name) }
      let restored = try await restoreRows(of: table, with: builder, &report, &warnings)
      report.restored += restored
      deletions[table.sourceID] = try await archive.deletions(of: table)
      report.deleted += deletions[table.sourceID] ?? 0
      onEvent(.finished(.restoring, file: archived.path, table: name, rows: restored, rejected: 0))
    }
    try await builder.makeTheRest(objects: archived.objects)
    try await prove(tables, deletions: deletions, at: builder.workingPath, &report, &warnings)
  }

  /// The tables that the file had when it was imported last, SQLite's own behind all others, which fill them.
  private func tables(of archived: ArchivedFile, _ warnings: inout [String]) async throws -> [ArchivedTable] {
    let all = try await archive.tables(of: archived)
    let there = all.filter { table in
      archived.objects.contains { $0.type == "table" && $0.name.utf8.elementsEqual(table.table.name.utf8) }
    }
    for table in all where !there.contains(where: { $0.sourceID == table.sourceID }) {
      warnings.append(
        "\(file.path): the table \(table.table.name) was not in the file any more when it was imported last; its rows stay in Postgres"
      )
    }
    return there.filter { !$0.isSQLitesOwn } + there.filter(\.isSQLitesOwn)
  }

  private func restoreRows(
    of table: ArchivedTable, with builder: FileBuilder, _ report: inout RollbackReport.File,
    _ warnings: inout [String]
  ) async throws -> Int {
    let decoder = RowDecoder(table: table.table)
    var restored = 0
    var faulty: [Int64] = []
    var replaced = 0
    let isCounted = try await builder.countsRows(of: table.table)
    var rejects = try await archive.rejects(of: table)[...]
    try await archive.connection.transaction(.readOnlySnapshot) { connection in
      var rows = CursorRows(connection: connection, batch: Self.batch)
      try await rows.open(archive.rows(of: table, byPlace: isCounted))
      var batch: [(rowID: Int64, values: [SQLiteValue])] = []
      while let row = try await rows.next() {
        let sourceRow = try row.decode(2, as: Int64.self)
        // Where SQLite counts the rows, those that were put aside take their places among the others.
        while isCounted, let reject = rejects.first, reject.sourceRow < sourceRow {
          rejects.removeFirst()
          if let values = RawValue.values(of: table.table, json: reject.values) {
            batch.append((reject.sourceRow, values))
          } else {
            faulty.append(reject.sourceRow)
          }
        }
        let exact = try row.decode(3, as: String?.self)
        guard let object = try? JSON(parsing: row.decode(0, as: String.self)),
          let legacyID = try? JSON(parsing: row.decode(1, as: String.self)),
          let values = decoder.values(
            object: object, legacyID: legacyID, exact: try exact.map(JSON.init(parsing:)),
            sourceRow: sourceRow)
        else {
          faulty.append(sourceRow)
          continue
        }
        batch.append((sourceRow, values))
        if batch.count >= Self.batch {
          replaced += try await builder.insert(batch, into: table.table).count
          onEvent(.advanced(rows: batch.count))
          restored += batch.count
          batch.removeAll(keepingCapacity: true)
        }
      }
      replaced += try await builder.insert(batch, into: table.table).count
      onEvent(.advanced(rows: batch.count))
      restored += batch.count
    }
    for reject in rejects {
      if let values = RawValue.values(of: table.table, json: reject.values) {
        replaced += try await builder.insert([(reject.sourceRow, values)], into: table.table).count
        restored += 1
      } else {
        faulty.append(reject.sourceRow)
      }
    }
    if let first = faulty.first {
      report.isProved = false
      warnings.append(
        "\(file.path), table \(table.table.name): \(faulty.count) rows cannot be made again, the first at row \(first)"
      )
    }
    if replaced > 0 {
      warnings.append(
        "\(file.path), table \(table.table.name): \(replaced) rows are only in Postgres: the agent put newer ones into their place between two imports"
      )
    }
    return restored - replaced
  }

  // MARK: - Proof

  /// Compares the digests of the restored rows with those that the ledger took at the import.
  private func prove(
    _ tables: [ArchivedTable], deletions: [Int64: Int], at path: String, _ report: inout RollbackReport.File,
    _ warnings: inout [String]
  ) async throws {
    guard let archived = file.archived else { return }
    let restored = LegacyFile(path: path, relativePath: archived.path, agent: archived.agent)
    let reader = SourceReader(restored)
    let sources = try await reader.tables()
    let ledger = Ledger(
      connection: archive.connection, runID: PostgresUUID(high: 0, low: 0), migratedAt: 0)
    for table in tables {
      guard let source = sources.first(where: { $0.table.name.utf8.elementsEqual(table.table.name.utf8) })
      else { continue }
      let lines = try await ledger.lines(of: SourceTable(archivedAs: table.sourceID, source))
      guard !lines.isEmpty else { continue }
      let plan = try await reader.plan(source, ledger: lines)
      let unproved = plan.stale.filter { $0.digest != nil }
      if deletions[table.sourceID] ?? 0 == 0, !unproved.isEmpty {
        report.isProved = false
        warnings.append(
          "\(file.path), table \(table.table.name): \(unproved.reduce(0) { $0 + $1.rowsRead }) rows are not, or not all, as they were imported; agentbase verify names them"
        )
      }
    }
    await reader.close()
  }
}

extension SourceTable {
  /// A table of a restored file, under the identity that its rows have in Postgres.
  fileprivate init(archivedAs sourceID: Int64, _ source: SourceTable) {
    self.init(file: source.file, schema: source.schema, sourceID: sourceID)
  }
}
