// What a benchmark has measured of one thing, as values.

internal import AgentBase

/// One measurement.
struct BenchMeasurement: Sendable {
  /// Seconds from beginning to end.
  let seconds: Double
  /// The most memory that the process held at once, in bytes; nil where nobody could see it.
  var peakBytes: Int?
  /// Seconds of processor time, user and system together, of the process.
  var cpuSeconds: Double?
  /// The same of the server's processes; nil where they are on another machine.
  var serverCPUSeconds: Double?
}

/// What was measured of one contender, over all rounds.
struct BenchResult: Sendable {
  /// The name: the same in every run, for baselines.
  let name: String
  /// What is measured, in words.
  let about: String
  /// Whether it is ours: what a baseline guards.
  let isOurs: Bool
  /// One a round; none where it could not be measured.
  var measurements: [BenchMeasurement] = []
  /// What a reader has to know: why it was not measured, or how far its work falls short.
  var note: String?

  /// The measurement of the median time; of an even number, the faster of the two in the middle.
  var median: BenchMeasurement? {
    let sorted = measurements.sorted { $0.seconds < $1.seconds }
    return sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
  }
}

/// What one run of a benchmark has measured.
struct BenchReport: Sendable {
  /// Which benchmark: `import`.
  let bench: String
  /// When it began, RFC 3339, UTC.
  let date: String
  /// The rows that each contender has to do with.
  let rows: Int
  /// How often each was measured.
  let rounds: Int
  /// The server's version.
  let server: String
  /// The name of the result that the others are set against.
  let reference: String
  /// In the order in which they are printed.
  var results: [BenchResult] = []

  subscript(name: String) -> BenchResult? { results.first { $0.name == name } }

  /// How many times the reference's time a result took; nil where one of both was not measured.
  func ratio(of result: BenchResult) -> Double? {
    guard let seconds = result.median?.seconds, let reference = self[reference]?.median?.seconds,
      reference > 0
    else { return nil }
    return seconds / reference
  }
}

// MARK: - As JSON

extension BenchReport {
  /// The report as the document that `--json` prints and `--baseline` reads.
  var json: JSON {
    [
      "bench": .string(bench), "date": .string(date), "rows": .integer(rows), "rounds": .integer(rounds),
      "server": .string(server), "reference": .string(reference),
      "results": .array(results.map { $0.json(rows: rows, ratio: ratio(of: $0)) }),
    ]
  }

  /// Reads what `json` wrote; nil where it is something else.
  init?(_ json: JSON) {
    guard let bench = json["bench"]?.stringValue, let rows = json["rows"]?.int64Value,
      let reference = json["reference"]?.stringValue, case .array(let results)? = json["results"]
    else { return nil }
    self.init(
      bench: bench, date: json["date"]?.stringValue ?? "", rows: Int(rows),
      rounds: Int(json["rounds"]?.int64Value ?? 1), server: json["server"]?.stringValue ?? "",
      reference: reference)
    for result in results {
      guard let name = result["name"]?.stringValue else { return nil }
      let seconds = result["seconds"]?.doubleValue
      guard seconds.map({ $0 > 0 && $0.isFinite }) ?? true else { return nil }
      self.results.append(
        BenchResult(
          name: name, about: result["about"]?.stringValue ?? "", isOurs: result["ours"] == true,
          measurements: seconds.map { [BenchMeasurement(seconds: $0)] } ?? []))
    }
  }
}

extension BenchResult {
  fileprivate func json(rows: Int, ratio: Double?) -> JSON {
    let real = { (number: Double?) in number.flatMap { JSON.real(($0 * 10_000).rounded() / 10_000) } ?? .null
    }
    return [
      "name": .string(name), "about": .string(about), "ours": .bool(isOurs), "seconds": real(median?.seconds),
      "all_seconds": .array(measurements.map { real($0.seconds) }),
      "rows_per_second": median.map { .integer(Int((Double(rows) / max($0.seconds, 1e-9)).rounded())) }
        ?? .null,
      "ratio": real(ratio), "peak_memory_bytes": median?.peakBytes.map { .integer($0) } ?? .null,
      "cpu_seconds": real(median?.cpuSeconds), "server_cpu_seconds": real(median?.serverCPUSeconds),
      "note": note.map(JSON.string) ?? .null,
    ]
  }
}

// MARK: - As text

extension BenchReport {
  /// The report on one screen.
  var lines: [String] {
    var table = TextTable([
      "", "time", "rows/s", "x \(reference)", "peak MB", "CPU s", "server CPU s",
    ])
    for result in results {
      guard let median = result.median else { continue }
      table.add([
        result.name, median.seconds.decimal(2) + " s",
        Int(Double(rows) / max(median.seconds, 1e-9)).grouped, ratio(of: result)?.decimal(2) ?? "",
        median.peakBytes.map { (Double($0) / 1e6).decimal(1) } ?? "", median.cpuSeconds?.decimal(2) ?? "",
        median.serverCPUSeconds?.decimal(2) ?? "",
      ])
    }
    let notes = results.compactMap { result in result.note.map { "\(result.name): \($0)" } }
    let times = rounds > 1 ? ", the median of \(rounds) rounds" : ""
    return ["\(rows.counted("row")) on \(server)\(times)"] + table.lines + notes
  }
}

extension Double {
  /// The number with so many places behind the point, 1 or 2, whatever the locale.
  fileprivate func decimal(_ places: Int) -> String {
    let scale = places == 1 ? 10 : 100
    let all = Int((self * Double(scale)).rounded())
    let rest = String(all % scale)
    return "\((all / scale).grouped)." + String(repeating: "0", count: places - rest.count) + rest
  }
}
