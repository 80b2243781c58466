// A run against its baseline, as values: what is slower, what is not, and what cannot be compared.

import AgentBase
import Testing

@testable import agentbase

@Suite struct BenchComparisonTests {
  /// A report of an import and its verification, and of the reference where it was measured.
  private func report(
    _ importing: [Double], verify: [Double] = [1], reference: [Double] = [2], rows: Int = 300
  ) -> BenchReport {
    let result = { (name: String, isOurs: Bool, seconds: [Double]) in
      BenchResult(
        name: name, about: "", isOurs: isOurs, measurements: seconds.map { BenchMeasurement(seconds: $0) })
    }
    return BenchReport(
      bench: "import", date: "", rows: rows, rounds: importing.count, server: "PostgreSQL 18",
      reference: "copy",
      results: [
        result("import", true, importing), result("verify", true, verify), result("copy", false, reference),
        result("pgloader", false, [99]),
      ])
  }

  @Test func aResultIsTheMedianOfItsRounds() {
    let times = { (seconds: [Double]) in self.report(seconds).results[0].median?.seconds }
    #expect(times([3, 1, 2]) == 2 && times([4, 1, 3, 2]) == 2 && times([7]) == 7 && times([]) == nil)
    #expect(report([3]).ratio(of: report([3]).results[0]) == 1.5)
    #expect(report([3], reference: []).ratio(of: report([3]).results[0]) == nil)
  }

  @Test func ratiosAreComparedWhereBothHaveThem() throws {
    // The machine was twice as fast: ours took as long as before, and so stands worse.
    let same = try BenchComparison(report([4], reference: [1]), before: report([4], reference: [2]))
    #expect(same.comparesRatios)
    #expect(same.changes == [.init(name: "import", factor: 2), .init(name: "verify", factor: 2)])
    let seconds = try BenchComparison(report([4], reference: []), before: report([2], reference: [2]))
    #expect(!seconds.comparesRatios)
    #expect(seconds.regressions(threshold: 20).map(\.name) == ["import"])
  }

  @Test(arguments: [(1.19, 0), (1.2, 0), (1.21, 1), (0.5, 0), (5.0, 1)])
  func onlyWhatIsPastTheThresholdIsTooSlow(factor: Double, count: Int) throws {
    let comparison = try BenchComparison(report([factor]), before: report([1]))
    #expect(comparison.regressions(threshold: 20).count == count)
    #expect(comparison.regressions(threshold: 500).isEmpty)
    let line = comparison.lines(threshold: 20)[1]
    #expect(line.contains("past the threshold") == (count == 1), "\(line)")
    #expect(line.contains(factor > 1 ? "slower" : "faster"))
  }

  @Test func whatOthersTakeIsNoRegression() throws {
    var before = report([1])
    before.results[3].measurements = [BenchMeasurement(seconds: 0.001)]
    #expect(try BenchComparison(report([1]), before: before).regressions(threshold: 1).isEmpty)
  }

  @Test func otherRowsCannotBeCompared() throws {
    #expect(throws: Failure.self) { try BenchComparison(report([1]), before: report([1], rows: 301)) }
    let fewer = try BenchComparison(report([], verify: [1]), before: report([1]))
    #expect(fewer.missing == ["import"])
    #expect(fewer.lines(threshold: 20).last == "  import: not measured now")
  }

  @Test func aReportComesBackFromItsDocument() throws {
    var report = report([3, 1, 2])
    report.results[3].measurements = []
    report.results[3].note = "not measured"
    let again = try #require(BenchReport(JSON(parsing: report.json.text)))
    #expect(again.rows == 300 && again.reference == "copy")
    #expect(again.results.map(\.name) == report.results.map(\.name))
    #expect(again.results.map { $0.median?.seconds } == [2, 1, 2, nil])
    #expect(again.results.map(\.isOurs) == [true, true, false, false])
    let comparison = try BenchComparison(report, before: again)
    #expect(comparison.changes.allSatisfy { $0.factor == 1 })
    for text in ["{}", "[]", "{\"bench\": \"import\", \"rows\": 1, \"reference\": \"\", \"results\": [{}]}"] {
      #expect(BenchReport(try JSON(parsing: text)) == nil)
    }
  }

  /// Rates of calls: stores beside theirs, reads beside theirs.
  private func rates(_ calls: [String: Int]) -> BenchReport {
    let result = { (name: String, reference: String?) in
      BenchResult(
        name: name, about: "", isOurs: reference != nil,
        measurements: calls[name].map { [BenchMeasurement(seconds: 2, calls: $0)] } ?? [],
        reference: reference,
        goal: reference.map { _ in 0.9 })
    }
    return BenchReport(
      bench: "memory", date: "", rows: 10, rounds: 1, server: "", reference: "",
      results: [
        result("their stores", nil), result("stores", "their stores"), result("their reads", nil),
        result("reads", "their reads"),
      ])
  }

  @Test func eachRateIsSetAgainstItsOwnReference() throws {
    let before = rates(["their stores": 100, "stores": 95, "their reads": 1000, "reads": 500])
    #expect(
      before.results.map { before.speed(of: $0).map { ($0 * 1e6).rounded() } } == [
        nil, 950_000, nil, 500_000,
      ])
    #expect(before.lines.contains { $0.hasPrefix("stores ") && $0.hasSuffix("0.95  0.90  their stores") })
    // The machine stores half as fast as before and reads as fast: our reads alone have become slower.
    let now = rates(["their stores": 50, "stores": 48, "their reads": 1000, "reads": 250])
    let again = try #require(BenchReport(JSON(parsing: before.json.text)))
    let comparison = try BenchComparison(now, before: again)
    #expect(comparison.comparesRatios)
    #expect(comparison.regressions(threshold: 20) == [.init(name: "reads", factor: 2)])
  }

  @Test func everyBenchmarkHasAWordOfItsOwn() {
    let words = Benchmarks.all.map { $0.word }
    #expect(Set(words).count == words.count && words.contains("import"))
    #expect(Set(Benchmarks.options.map(\.name)).count == Benchmarks.options.count)
  }

  @Test func pgbenchsFiguresAreThoseOfTheWholeRun() throws {
    let output = """
      pgbench (18.0)
      transaction type: multiple scripts
      number of transactions actually processed: 12000
      number of failed transactions: 0 (0.000%)
      tps = 4000.000000 (without initial connection time)
      SQL script 1: /tmp/pgbench-0.sql
       - weight: 1 (targets 50.0% of total)
       - number of transactions actually processed: 6100 (tps = 2033.333333)
      SQL script 2: /tmp/pgbench-1.sql
       - weight: 1 (targets 50.0% of total)
       - number of transactions actually processed: 5900 (tps = 1966.666667)
      """
    let measurement = try #require(PgbenchRun.measurement(in: output))
    #expect(measurement.calls == 12_000 && measurement.seconds == 3)
    // The end of a long output, which names no whole.
    #expect(PgbenchRun.measurement(in: String(output.suffix(300))) == nil)
  }
}
