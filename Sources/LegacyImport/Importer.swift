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
  private let rates: RateRecorder
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
    let rates = RateRecorder()
    self.rates = rates
    self.onEvent = { event in
      rates.take(event)
      onEvent(event)
    }
  }

  // MARK: - Running

  /// Moves all that is not there yet.
  ///
  /// A file that cannot be read is named in the report, and the others are moved all the same.
  ///
  /// - Throws: `ImportError` and `PostgresError` where the run as a whole cannot go on; what was committed stays, and the next
  ///   run goes on from there.
  public func run() async throws -> ImportReport {
    try await TimeLimit(options.timeout, of: "import").run { try await runToTheEnd() }
  }

  private func runToTheEnd() async throws -> ImportReport {
    let clock = ImportClock()
    let start = ContinuousClock.now
    rates.begin()
    var report = ImportReport(date: clock.text, isDryRun: options.isDryRun)
    report.unreadable = discovery.unreadable
    for folder in discovery.passedBy { warn("\(folder) holds a backup and was passed by", &report) }
    try refuseCollisions()
    let target = try await ImportTargetServer(
      postgresURL: options.postgresURL, for: options.isDryRun ? .rehearsing : .writing)
    var agents: [String: ImportReport.Agent] = [:]
    var verification = VerificationReport()
    var (tables, rows) = (0, 0)
    let files = discovery.files.count
    onEvent(.planned(files: files, tables: tables, rows: rows))
    let indexes = DeferredIndexes(connection: target.connection)
    if !options.isDryRun, discovery.bytes >= DeferredIndexes.leastBytes { try await indexes.lighten() }
    for (place, file) in discovery.files.enumerated() {
      try Task.checkCancellation()
      let move = FileImport(
        reader: SourceReader(file), target: target, options: options, clock: clock,
        isLast: place == files - 1,
        onEvent: onEvent)
      let outcome = try await move.run { moreTables, moreRows in
        tables += moreTables
        rows += moreRows
        onEvent(.planned(files: files, tables: tables, rows: rows))
      }
      agents[file.agent, default: ImportReport.Agent(id: file.agent)].add(outcome)
      verification.add(outcome.verification)
      for warning in outcome.warnings { warn(warning, &report) }
    }
    // Those of an import that was cut off, too.
    if !options.isDryRun { for warning in try await indexes.complete() { warn(warning, &report) } }
    report.agents = agents.values.sorted { $0.id < $1.id }
    if options.verifies, !options.isDryRun {
      try await StrayRows(connection: target.connection).find(
        agents: report.agents.map(\.id), into: &verification)
      report.verification = verification
    }
    await target.close()
    report.seconds = start.secondsAgo
    report.rates = rates.rates
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
}

extension ImportReport.Agent {
  /// Takes what became of one of the agent's files.
  fileprivate mutating func add(_ outcome: FileImport.Outcome) {
    tables += outcome.tables
    if let error = outcome.error { errors.append(error) }
  }
}
