// pgbench on a statement of the library: the limit that its users know.

internal import AgentBase
internal import Foundation

/// One call of pgbench.
struct PgbenchRun: Sendable {
  let program: String
  let environment: [String: String]
  /// For the script and the log.
  let folder: String
  let clients: Int
  let seconds: Duration

  /// Runs a statement, prepared, with random keys from 1 to `rows` where its parameters are or hold the mark, a word of letters.
  func measure(
    _ statement: MemoryStatementText, keyMark: String, rows: Int
  ) async throws -> BenchMeasurement {
    let script = folder + "/pgbench.sql"
    var sql = statement.sql
    var words = ["--file=\(script)"]
    // From the last: $1 is the beginning of $10.
    for (place, parameter) in statement.parameters.enumerated().reversed() {
      // pgbench knows no empty variable, and no NULL.
      let name =
        switch parameter {
        case nil: "NULL"
        case "": "''"
        case keyMark: ":key"
        case let text? where text.contains(keyMark): "replace(:p\(place + 1), '\(keyMark)', :key::text)"
        default: ":p\(place + 1)"
        }
      sql = sql.replacing("$\(place + 1)", with: name)
      if let parameter, name.contains(":p") { words.append("--define=p\(place + 1)=\(parameter)") }
    }
    try Data("\\set key random(1, \(rows))\n\(sql);\n".utf8).write(to: URL(filePath: script))
    return try await run(words)
  }

  /// Runs statements, prepared, one of them at random each time.
  func measure(_ statements: [String]) async throws -> BenchMeasurement {
    var words: [String] = []
    for (place, statement) in statements.enumerated() {
      let script = folder + "/pgbench-\(place).sql"
      try Data("\(statement);\n".utf8).write(to: URL(filePath: script))
      words.append("--file=\(script)")
    }
    return try await run(words)
  }

  private func run(_ words: [String]) async throws -> BenchMeasurement {
    let command = [
      program, "--no-vacuum", "--protocol=prepared", "--client=\(clients)", "--jobs=\(min(clients, 2))",
      "--time=\(max(1, Int((seconds / .seconds(1)).rounded(.up))))",
    ]
    let log = folder + "/pgbench.log"
    let run = try await MeasuredProcess.run(command + words, environment: environment, log: log)
    guard run.status == 0,
      let measurement = Self.measurement(in: (try? String(contentsOfFile: log, encoding: .utf8)) ?? "")
    else {
      throw Failure(
        "pgbench ended with exit code \(run.status): \(run.output.split(separator: "\n").last ?? "")",
        advice: "check that pgbench of this server's version is installed")
    }
    return measurement
  }

  /// What pgbench says of the whole run, in all of its output: behind it, a script by a script, come figures of the same names.
  static func measurement(in output: String) -> BenchMeasurement? {
    guard let calls = number(behind: "\nnumber of transactions actually processed: ", in: output),
      let rate = number(behind: "\ntps = ", in: output), rate > 0
    else { return nil }
    return BenchMeasurement(seconds: calls / rate, calls: Int(calls))
  }

  private static func number(behind words: String, in output: String) -> Double? {
    guard let place = output.firstRange(of: words) else { return nil }
    return Double(output[place.upperBound...].prefix { $0.isNumber || $0 == "." })
  }
}
