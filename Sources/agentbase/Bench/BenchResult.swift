// What a benchmark has measured of one thing, as values.

internal import AgentBase

/// One measurement.
struct BenchMeasurement: Sendable {
  /// Seconds from beginning to end.
  let seconds: Double
  /// How many calls were made in that time; nil where the work is the report's rows.
  var calls: Int?
  /// The most memory that the process held at once, in bytes; nil where nobody could see it.
  var peakBytes: Int?
  /// Seconds of processor time, user and system together, of the process.
  var cpuSeconds: Double?
  /// The same of the server's processes; nil where they are on another machine.
  var serverCPUSeconds: Double?

  /// What counts: the seconds of a call, or of the whole where the work is given.
  var cost: Double { calls.map { seconds / Double(max($0, 1)) } ?? seconds }
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
  /// The name of the result that it is set against; nil for the report's own.
  var reference: String?
  /// How many times the reference's speed it has to reach; nil where nothing was promised.
  var goal: Double?
  /// What was found out beside the time, by name: a recall, the bytes of an agent.
  var figures: [String: Double] = [:]
  /// What a reader has to know: why it was not measured, or how far its work falls short.
  var note: String?

  /// The measurement of the median time; of an even number, the faster of the two in the middle.
  var median: BenchMeasurement? {
    let sorted = measurements.sorted { $0.cost < $1.cost }
    return sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
  }
}

/// What one run of a benchmark has measured.
struct BenchReport: Sendable {
  /// Which benchmark: its word.
  let bench: String
  /// When it began, RFC 3339, UTC.
  let date: String
  /// The rows that each contender has to do with; where calls are measured, the rows that are there.
  let rows: Int
  /// How often each was measured.
  let rounds: Int
  /// The server's version.
  let server: String
  /// The name of the result that the others are set against; empty where each has its own.
  let reference: String
  /// In the order in which they are printed.
  var results: [BenchResult] = []

  subscript(name: String) -> BenchResult? { results.first { $0.name == name } }

  /// The measurement that a result is set against; nil where there is none, or it was not measured.
  func reference(of result: BenchResult) -> BenchMeasurement? {
    self[result.reference ?? reference]?.median
  }

  /// How many times the reference's time a result took; nil where one of both was not measured.
  func ratio(of result: BenchResult) -> Double? {
    guard let cost = result.median?.cost, let reference = reference(of: result)?.cost, reference > 0 else {
      return nil
    }
    return cost / reference
  }

  /// How many times the reference's speed a result has; nil where one of both was not measured.
  func speed(of result: BenchResult) -> Double? { ratio(of: result).flatMap { $0 > 0 ? 1 / $0 : nil } }
}

// MARK: - As JSON

extension BenchReport {
  /// The report as the document that `--json` prints and `--baseline` reads.
  var json: JSON {
    [
      "bench": .string(bench), "date": .string(date), "rows": .integer(rows), "rounds": .integer(rounds),
      "server": .string(server), "reference": .string(reference),
      "results": .array(results.map { $0.json(rows: rows, ratio: ratio(of: $0), speed: speed(of: $0)) }),
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
          measurements: seconds.map {
            [BenchMeasurement(seconds: $0, calls: (result["calls"]?.int64Value).map { Int($0) })]
          } ?? [],
          reference: result["reference"]?.stringValue))
    }
  }
}

extension BenchResult {
  fileprivate func json(rows: Int, ratio: Double?, speed: Double?) -> JSON {
    let real = { (number: Double?) in number.flatMap { JSON.real(($0 * 10_000).rounded() / 10_000) } ?? .null
    }
    guard median?.calls == nil, reference == nil, figures.isEmpty else { return callsJSON(speed, real) }
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

extension BenchResult {
  /// The same of a result whose measure is a rate: calls and speed instead of rows and time.
  fileprivate func callsJSON(_ speed: Double?, _ real: (Double?) -> JSON) -> JSON {
    let rate = { (measurement: BenchMeasurement) in
      (measurement.calls.map { Double($0) / max(measurement.seconds, 1e-9) }).map { $0.rounded() }
    }
    return [
      "name": .string(name), "about": .string(about), "ours": .bool(isOurs), "seconds": real(median?.seconds),
      "calls": median?.calls.map { .integer($0) } ?? .null, "calls_per_second": real(median.flatMap(rate)),
      "all_calls_per_second": .array(measurements.map { real(rate($0)) }),
      "reference": reference.map(JSON.string) ?? .null, "speed": real(speed), "goal": real(goal),
      "figures": .object(
        JSONObject(figures.sorted { $0.key < $1.key }.map { (name: $0.key, value: real($0.value)) })),
      "peak_memory_bytes": median?.peakBytes.map { .integer($0) } ?? .null,
      "cpu_seconds": real(median?.cpuSeconds), "server_cpu_seconds": real(median?.serverCPUSeconds),
      "note": note.map(JSON.string) ?? .null,
    ]
  }
}
