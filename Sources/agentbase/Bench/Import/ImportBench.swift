// `agentbase bench import`: ours and what users would otherwise take, on one file and one server, in one run.

internal import AgentBase
internal import Foundation
internal import Postgres

/// The measurements of one run.
struct ImportBench: Sendable {
  let source: ImportBenchSource
  let server: BenchServer
  let stage: BenchStage

  /// For rows, logs and reports.
  var folder: String { stage.folder }

  /// Measures everything: each contender once a round, in the order of the contenders and then in the opposite one, so that none
  /// always comes after the same other.
  func run() async throws -> BenchReport {
    var report = try stage.begin(
      ImportBenchmark.word, rows: source.rows, server: server.version, reference: Contender.reference.name)
    let contenders = Contender.allCases
    report.results = contenders.map { BenchResult(name: $0.name, about: $0.about, isOurs: $0.isOurs) }
    for (place, contender) in contenders.enumerated() {
      report.results[place].note = try await reasonAgainst(contender)
    }
    for round in 0..<stage.rounds {
      let groups = Contender.groups
      for group in round.isMultiple(of: 2) ? groups : groups.reversed() {
        try Task.checkCancellation()
        try await measure(group, into: &report)
      }
    }
    return report
  }

  /// Measures contenders that work on one database, one after the other.
  private func measure(_ group: [Contender], into report: inout BenchReport) async throws {
    let able = group.filter { contender in
      report.results.first { $0.name == contender.name }?.note == nil
    }
    guard let first = able.first else { return }
    let database = try await server.makeDatabase(first.rawValue, withSchema: first.needsSchema)
    for contender in able {
      guard let place = report.results.firstIndex(where: { $0.name == contender.name }) else { continue }
      let command = command(for: contender, database: database)
      do {
        let measurement = try await measure(command, for: contender)
        report.results[place].measurements.append(measurement)
        stage.tell(contender.name, measurement)
      } catch let failure as Failure where !contender.isOurs {
        report.results[place].note = "failed: \(failure.message)"
        continue
      }
      report.results[place].note = try await shortfall(of: contender, in: database)
      if contender == .importing { try await takeRows(from: database) }
    }
    try await server.drop(database)
  }

  /// Runs one command, on a server that has nothing left to write.
  private func measure(_ command: BenchCommand, for contender: Contender) async throws -> BenchMeasurement {
    await server.checkpoint()
    let before = server.cpuSeconds
    let run = try await MeasuredProcess.run(
      command.words, environment: server.environment.merging(command.environment) { $1 },
      log: folder + "/\(contender.rawValue).log")
    guard run.status == 0 || contender.isOurs && run.status == ExitCode.rowsRejected.rawValue else {
      let words = run.output.split(separator: "\n").suffix(2).joined(separator: " ")
      throw Failure(
        "\(contender.name) ended with exit code \(run.status)\(words.isEmpty ? "" : ": \(words)")",
        advice: contender.isOurs ? "run the same import by itself to see more" : nil)
    }
    var measurement = run.measurement
    if let before, let after = server.cpuSeconds { measurement.serverCPUSeconds = after - before }
    return measurement
  }

  /// How many rows another program has lost; nil where it has lost none.
  private func shortfall(of contender: Contender, in database: String) async throws -> String? {
    guard [.pgloader, .duckDB, .copy].contains(contender) else { return nil }
    let names = source.tables.flatMap { [$0.name, $0.name.lowercased()] }
    let rows = try await server.withConnection(to: database) { connection in
      let tables = try await connection.query(
        """
        SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p') AND relname = ANY(\(names)) AND nspname NOT LIKE 'pg\\_%'
        """
      ).map { try $0.decode(0, as: String.self) }
      var rows = 0
      for table in tables {
        let statement: PostgresStatement = "SELECT count(*) FROM \(unsafeSQL: table)"
        rows += Int(try await connection.queryOne(statement)?.decode(0, as: Int64.self) ?? 0)
      }
      return rows
    }
    return rows == source.rows ? nil : "loaded \(rows.grouped) of \(source.rows.counted("row"))"
  }

  /// Takes the rows that an import has made out of the server, for the reference to load.
  private func takeRows(from database: String) async throws {
    guard !FileManager.default.fileExists(atPath: rowsFile(Self.tables[0])) else { return }
    for table in Self.tables {
      let command = psql(database, ["\\copy \(table) TO '\(rowsFile(table))' (FORMAT binary)"])
      let run = try await MeasuredProcess.run(
        command.words, environment: server.environment.merging(command.environment) { $1 },
        log: folder + "/take.log")
      guard run.status == 0 else {
        throw Failure(
          "the rows of \(table) cannot be taken out with psql: \(run.output.split(separator: "\n").last ?? "")",
          advice: "look whether the disk is full")
      }
    }
  }
}
