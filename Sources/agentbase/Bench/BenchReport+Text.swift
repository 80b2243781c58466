// A benchmark's report as text: on one screen, for people.

extension BenchReport {
  /// The report on one screen.
  var lines: [String] {
    let times = rounds > 1 ? ", the median of \(rounds) rounds" : ""
    let head = "\(rows.counted("row"))\(server.isEmpty ? "" : " on \(server)")\(times)"
    let work = results.contains { $0.median.map { $0.calls == nil } ?? false } ? workLines : []
    let calls = results.contains { $0.median?.calls != nil } ? callLines : []
    let figures = results.flatMap { result in
      result.figures.sorted { $0.key < $1.key }.map { "\(result.name): \($0.key) \($0.value.decimal(4))" }
    }
    return [head] + work + calls + figures
      + results.compactMap { result in
        result.note.map { "\(result.name): \($0)" }
      }
  }

  /// What had a given work to do: its time.
  private var workLines: [String] {
    var table = TextTable(["", "time", "rows/s", "x \(reference)", "peak MB", "CPU s", "server CPU s"])
    for result in results {
      guard let median = result.median, median.calls == nil else { continue }
      table.add([
        result.name, median.seconds.decimal(2) + " s",
        Int(Double(rows) / max(median.seconds, 1e-9)).grouped, ratio(of: result)?.decimal(2) ?? "",
        median.peakBytes.map { (Double($0) / 1e6).decimal(1) } ?? "", median.cpuSeconds?.decimal(2) ?? "",
        median.serverCPUSeconds?.decimal(2) ?? "",
      ])
    }
    return table.lines
  }

  /// What was called for a given time: its rate, and how it stands to its reference.
  private var callLines: [String] {
    let hasCPU = results.contains { $0.median?.cpuMicroseconds != nil }
    let cpu = hasCPU ? ["CPU µs"] : []
    var table = TextTable(["", "calls/s", "µs a call"] + cpu + ["speed", "goal", "set against"])
    for result in results {
      guard let median = result.median, let calls = median.calls else { continue }
      let isReference = result.reference == nil && reference.isEmpty
      let cpu = hasCPU ? [median.cpuMicroseconds?.decimal(1) ?? ""] : []
      table.add(
        [
          result.name, Int(Double(calls) / max(median.seconds, 1e-9)).grouped, (median.cost * 1e6).decimal(1),
        ] + cpu + [
          isReference ? "" : speed(of: result)?.decimal(2) ?? "", result.goal?.decimal(2) ?? "",
          result.reference ?? reference,
        ])
    }
    return table.lines
  }
}

extension BenchMeasurement {
  /// The processor time of a call, the server's included; nil where nobody could see it.
  fileprivate var cpuMicroseconds: Double? {
    guard let calls, calls > 0, let cpuSeconds else { return nil }
    return (cpuSeconds + (serverCPUSeconds ?? 0)) * 1e6 / Double(calls)
  }

  /// What is told when it is there: a time, or a rate.
  var text: String {
    guard let calls else { return seconds.decimal(2) + " s" }
    return Int(Double(calls) / max(seconds, 1e-9)).grouped + " calls/s"
  }
}

extension Double {
  /// The number with so many places behind the point, from 1 to 4, whatever the locale.
  fileprivate func decimal(_ places: Int) -> String {
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    let all = Int((magnitude * Double(scale)).rounded())
    let rest = String(all % scale)
    return (self < 0 ? "-" : "") + "\((all / scale).grouped)."
      + String(repeating: "0", count: places - rest.count) + rest
  }
}
