// Writes one file: the imported rows, the proof that they are as they were, and what agents wrote since.

import AgentBase
import Postgres
import SQLite

/// The restoration of one file.
struct FileRestoration: Sendable {
  let archive: Archive
  let file: PlannedFile
  let onEvent: @Sendable (ImportEvent) -> Void

  /// What became of a file, and what the user should know of it.
  struct Outcome: Sendable {
    var report: RollbackReport.File
    var warnings: [String] = []
  }

  /// Writes the file; it takes its name when it is complete.
  func run() async throws -> Outcome {
    let builder = FileBuilder(path: file.path)
    do {
      let outcome = try await fill(builder)
      try await builder.finish(journalMode: file.archived?.pragmas["journal_mode"])
      return outcome
    } catch {
      await builder.abandon()
      throw error
    }
  }

  /// Writes what was imported, and what agents wrote since.
  ///
  /// Not optimized: LLVM, as of Swift 6.3, crashes while it splits the optimized function at its suspensions.
  @_optimize(none)
  private func fill(_ builder: FileBuilder) async throws -> Outcome {
    var outcome = Outcome(report: RollbackReport.File(path: file.path, agent: file.owner))
    guard let archived = file.archived else {
      try await builder.makeGuideTables()
      outcome.add(try await addNewRows(with: builder))
      return outcome
    }
    let all = try await archive.tables(of: archived)
    let there = Self.tables(all, of: archived)
    outcome.add(
      gone: all.filter { table in !there.contains { $0.sourceID == table.sourceID } }, from: file)
    let tables = try await restore(there, of: archived, with: builder)
    outcome.add(tables, of: file)
    outcome.add(try await unproved(tables, of: archived, at: builder.workingPath), of: file)
    outcome.add(try await addNewRows(with: builder))
    try await builder.makeTriggers(objects: archived.objects)
    guard outcome.report.mirrored > 0 else { return outcome }
    // A trigger that keeps an index may have done more than that.
    let legacy = tables.filter(\.table.isLegacy)
    outcome.add(try await unproved(legacy, of: archived, at: builder.workingPath), of: file)
    return outcome
  }

  /// Adds what agents wrote: to the library's own tables, and to the legacy ones as far as these have columns for it.
  private func addNewRows(with builder: FileBuilder) async throws -> (written: Int, mirrors: MirrorOutcome) {
    var written = 0
    for writer in file.writers {
      written += try await archive.writeNewRows(of: writer, into: builder)
    }
    try await builder.noteDigests()
    return (written, try await mirror(with: builder))
  }

  /// Has the agents' old code read what the library wrote, now and before the import.
  private func mirror(with builder: FileBuilder) async throws -> MirrorOutcome {
    let hadMirrors = file.archived?.objects.contains { $0.name == MirrorSQL.table } ?? false
    guard hadMirrors || !file.writers.isEmpty else { return MirrorOutcome() }
    var outcome = MirrorOutcome()
    for agent in Set(file.writers).union(file.archived?.rowAgents ?? []).sorted() {
      outcome.add(try await builder.mirror(agent, ownsFile: agent == file.owner))
    }
    return outcome
  }

  // MARK: - Imported rows

  /// The tables that the file had when it was imported last, SQLite's own behind all others, which fill them.
  private static func tables(_ all: [ArchivedTable], of archived: ArchivedFile) -> [ArchivedTable] {
    let there = all.filter { table in
      archived.objects.contains { $0.type == "table" && $0.name.utf8.elementsEqual(table.table.name.utf8) }
    }
    return there.filter { !$0.isSQLitesOwn } + there.filter(\.isSQLitesOwn)
  }

  /// Makes the tables, their rows, and what depends on them.
  private func restore(
    _ tables: [ArchivedTable], of archived: ArchivedFile, with builder: FileBuilder
  ) async throws -> [RestoredTable] {
    try await builder.makeTables(pragmas: archived.pragmas, objects: archived.objects)
    var restored: [RestoredTable] = []
    for table in tables {
      let name = table.table.name
      onEvent(.began(.restoring, file: archived.path, table: name, target: table.target.table, rows: 0))
      if table.isSQLitesOwn { try await builder.empty(name) }
      let rows = try await TableRestoration(
        archive: archive, table: table, builder: builder, onEvent: onEvent
      ).run()
      restored.append(rows)
      onEvent(.finished(.restoring, file: archived.path, table: name, rows: rows.restored, rejected: 0))
    }
    try await builder.makeTheRest(objects: archived.objects)
    return restored
  }

  // MARK: - Proof

  /// The tables whose restored rows have other digests than the ledger took at the import, and how many rows that concerns.
  private func unproved(
    _ tables: [RestoredTable], of archived: ArchivedFile, at path: String
  ) async throws -> [(table: String, rows: Int)] {
    let reader = SourceReader(LegacyFile(path: path, relativePath: archived.path, agent: archived.agent))
    let sources = try await reader.tables()
    let ledger = Ledger(connection: archive.connection, runID: PostgresUUID(high: 0, low: 0), migratedAt: 0)
    var unproved: [(table: String, rows: Int)] = []
    // Where agents have deleted rows since, the digests of what is left were never taken.
    for restored in tables where restored.deleted == 0 {
      let name = restored.table.table.name
      guard let source = sources.first(where: { $0.table.name.utf8.elementsEqual(name.utf8) }) else {
        continue
      }
      let identified = SourceTable(
        file: source.file, schema: source.schema, sourceID: restored.table.sourceID)
      let lines = try await ledger.lines(of: identified)
      guard !lines.isEmpty else { continue }
      let stale = try await reader.plan(source, ledger: lines).stale.filter { $0.digest != nil }
      if !stale.isEmpty { unproved.append((name, stale.reduce(0) { $0 + $1.rowsRead })) }
    }
    await reader.close()
    return unproved
  }
}

extension FileRestoration.Outcome {
  /// Notes the tables that the agent had dropped before the last import.
  fileprivate mutating func add(gone tables: [ArchivedTable], from file: PlannedFile) {
    for table in tables {
      warnings.append(
        "\(file.path): the table \(table.table.name) was not in the file any more when it was imported last; its rows stay in Postgres"
      )
    }
  }

  /// Counts the rows of restored tables.
  fileprivate mutating func add(_ tables: [RestoredTable], of file: PlannedFile) {
    for table in tables {
      report.restored += table.restored
      report.deleted += table.deleted
      if table.replaced > 0 {
        warnings.append(
          "\(file.path), table \(table.table.table.name): \(table.replaced) rows are only in Postgres: the agent put newer ones into their place between two imports"
        )
      }
      guard let first = table.faulty.first else { continue }
      report.isProved = false
      warnings.append(
        "\(file.path), table \(table.table.table.name): \(table.faulty.count) rows cannot be made again, the first at row \(first)"
      )
    }
  }

  /// Counts the rows that agents wrote, those of them that old code reads, and those that it does not.
  fileprivate mutating func add(_ rows: (written: Int, mirrors: MirrorOutcome)) {
    let mirrors = rows.mirrors
    report.written += rows.written
    report.mirrored += mirrors.mirrored.values.reduce(0, +)
    for (left, rows) in mirrors.left.sorted(by: {
      ($0.key.table, $0.key.reason) < ($1.key.table, $1.key.reason)
    }) {
      report.left.append(.init(table: left.table, rows: rows, reason: left.reason))
    }
  }

  /// Notes the tables whose rows are not as they were imported.
  fileprivate mutating func add(_ unproved: [(table: String, rows: Int)], of file: PlannedFile) {
    for (table, rows) in unproved {
      report.isProved = false
      warnings.append(
        "\(file.path), table \(table): of \(rows) rows not all are as they were imported; agentbase verify names them"
      )
    }
  }
}
