// The import: every file that was found, each in one snapshot, table by table, and then the proof.

import AgentBase
import Postgres
import SQLite

/// Moves legacy SQLite files into Postgres.
///
/// A file is read at one moment, its write-ahead log included, and never changed. A chunk's rows and its line in the ledger
/// commit together, so that a run that ends in any way is completed by the next one, and a finished one adds nothing.
public struct Importer: Sendable {
  private let discovery: Discovery
  private let options: ImportOptions
  private let onEvent: @Sendable (ImportEvent) -> Void

  /// An import of what was found.
  ///
  /// - Parameter onEvent: called from any thread while the import runs; it must not block.
  public init(
    _ discovery: Discovery, options: ImportOptions,
    onEvent: @escaping @Sendable (ImportEvent) -> Void = { _ in }
  ) {
    self.discovery = discovery
    self.options = options
    self.onEvent = onEvent
  }

  // MARK: - Running

  /// Moves all that is not there yet.
  ///
  /// A file that cannot be read is named in the report, and the others are moved all the same.
  ///
  /// - Throws: `ImportError` and `PostgresError` where the run as a whole cannot go on; what was committed stays, and the next
  ///   run goes on from there.
  public func run() async throws -> ImportReport {
    guard let timeout = options.timeout else { return try await runToTheEnd() }
    return try await withThrowingTaskGroup(of: ImportReport?.self) { group in
      group.addTask { try await runToTheEnd() }
      group.addTask {
        try await Task.sleep(for: timeout)
        return nil
      }
      defer { group.cancelAll() }
      guard let report = try await group.next() ?? nil else {
        throw ImportError(
          .timeout, "the import was not done after \(timeout)",
          advice: "what was committed stays: run it again to go on, or give it more time with --timeout")
      }
      return report
    }
  }

  private func runToTheEnd() async throws -> ImportReport {
    let clock = ImportClock()
    let start = ContinuousClock.now
    var report = ImportReport(date: clock.text, isDryRun: options.isDryRun)
    report.unreadable = discovery.unreadable
    for folder in discovery.passedBy { warn("\(folder) holds a backup and was passed by", &report) }
    try refuseCollisions()
    let target = try await ImportTargetServer(
      postgresURL: options.postgresURL, for: options.isDryRun ? .rehearsing : .writing)
    var verification = VerificationReport()
    var progress = Progress(files: discovery.files.count)
    onEvent(.planned(files: progress.files, tables: 0, rows: 0))
    for file in discovery.files {
      try Task.checkCancellation()
      var agent = report.agents.firstIndex { $0.id == file.agent }
      if agent == nil {
        agent = report.agents.count
        report.agents.append(ImportReport.Agent(id: file.agent))
      }
      guard let agent else { continue }
      let reader = SourceReader(file)
      do {
        try await move(file, reader, target, clock, &report.agents[agent], &verification, &progress)
      } catch let error as SQLiteError {
        report.agents[agent].errors.append(error.description)
      }
      await reader.close()
    }
    report.agents.sort { $0.id < $1.id }
    if options.verifies, !options.isDryRun {
      try await StrayRows(connection: target.connection).find(
        agents: report.agents.map(\.id), into: &verification)
      report.verification = verification
    }
    await target.connection.close()
    report.seconds = start.secondsAgo
    return report
  }

  private func warn(_ text: String, _ report: inout ImportReport) {
    report.warnings.append(text)
    onEvent(.warning(text))
  }

  /// Two folders that make one agent would mix what two agents know.
  private func refuseCollisions() throws(ImportError) {
    guard let (agent, folders) = discovery.collisions.min(by: { $0.key < $1.key }) else { return }
    throw ImportError(
      .source, "the folders \(folders.joined(separator: " and ")) would both be the agent \(agent)",
      advice: "import them one at a time, with --sqlite FILE --agent ID")
  }

  /// What has been announced so far.
  private struct Progress {
    var files = 0
    var tables = 0
    var rows = 0
  }

  // MARK: - A file

  private func move(
    _ file: LegacyFile, _ reader: SourceReader, _ target: ImportTargetServer, _ clock: ImportClock,
    _ agent: inout ImportReport.Agent, _ verification: inout VerificationReport, _ progress: inout Progress
  ) async throws {
    // Before the snapshot is taken: another run must not have moved what this one does not see.
    if !options.isDryRun { try await target.lock(file) }
    try await reader.checkPages()
    let schema = try await reader.schema()
    let sources = try await reader.tables()
    var counts: [Int] = []
    for source in sources { counts.append(try await reader.rowCount(of: source)) }
    progress.tables += sources.count
    progress.rows += counts.reduce(0, +)
    onEvent(.planned(files: progress.files, tables: progress.tables, rows: progress.rows))

    let ledger = Ledger(connection: target.connection, runID: target.runID, migratedAt: clock.microseconds)
    if !options.isDryRun {
      var agents: [(source: SourceTable, agents: [String])] = []
      for source in sources { agents.append((source, try await reader.agents(of: source))) }
      try await ledger.register(file, schema: schema, sources: agents)
    }
    for (source, count) in zip(sources, counts) {
      let start = ContinuousClock.now
      var table = TableReport(
        file: file.relativePath, table: source.table.name,
        target: source.target == .rows ? nil : source.target.table,
        isInternal: source.isBookkeeping)
      onEvent(
        .began(
          .importing, file: file.relativePath, table: source.table.name, target: source.target.table,
          rows: count))
      let move = TableImport(
        reader: reader, source: source, options: options, embeddingType: target.embeddingType,
        migratedAt: clock.text, onEvent: onEvent)
      if options.isDryRun {
        try await move.dryRun(ledger: target.hasSchema ? ledger.lines(of: source) : [], into: &table)
      } else {
        try await move.run(ledger, into: &table)
      }
      table.seconds = start.secondsAgo
      agent.tables.append(table)
      onEvent(
        .finished(
          .importing, file: file.relativePath, table: source.table.name, rows: table.read,
          rejected: table.rejected))
    }
    if options.verifies, !options.isDryRun {
      try await FileVerification(
        ledger: ledger, reader: reader, time: options.time, embeddingType: target.embeddingType,
        onEvent: onEvent
      ).run(sources, into: &verification)
    }
    if !options.isDryRun { try await target.unlock(file) }
  }
}
