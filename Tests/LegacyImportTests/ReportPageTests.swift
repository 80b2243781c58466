// The page of a report as text: nothing from a file is read as HTML, and its size is bounded.

import AgentBase
import Postgres
import TestSupport
import Testing

@testable import LegacyImport

@Suite struct ReportPageTests {
  private let run: RunDescription

  init() throws {
    run = RunDescription(
      source: "./agents",
      target: try PostgresConfiguration("postgresql://mover:pw-7391@db.example:5433/agents?sslmode=disable"),
      jsonReport: "report.json")
  }

  private func report(agents: Int, tables: Int = 2, name: String = "memory") -> ImportReport {
    var report = ImportReport(date: "2024-01-15T10:30:00Z", isDryRun: false)
    report.agents = (0..<agents).map { number in
      var agent = ImportReport.Agent(id: "agent_\(number)")
      agent.tables = (0..<tables).map { table in
        var account = TableReport(file: "a/\(number).db", table: "\(name)\(table)", target: "agent_memories")
        (account.read, account.loaded) = (1000, 1000)
        return account
      }
      return agent
    }
    report.seconds = 2
    return report
  }

  @Test func textFromFilesIsNeverHTML() {
    let evil = "</td><script>alert('1')</script>\u{0}\u{202E}&amp;\"\n"
    var report = report(agents: 1, tables: 1, name: evil)
    report.agents[0].errors = [evil]
    report.agents[0].tables[0].rejected = 1
    report.agents[0].tables[0].rejects = [RejectReport(key: .string(evil), reason: evil)]
    report.unreadable = [(evil, evil)]
    report.warnings = [evil]
    var run = run
    (run.source, run.jsonReport, run.backup) = (evil, evil, evil)
    let html = ReportPage(report, of: run).html
    #expect(
      html.contains("&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;␀\u{FFFD}&amp;amp;&quot;␊"))
    #expect(!html.contains("<script") && !html.contains("\u{0}") && !html.contains("\u{202E}"))
  }

  @Test func itHoldsNoPasswordAndNothingFromElsewhere() {
    let html = ReportPage(report(agents: 3), of: run).html
    #expect(html.contains("database agents on db.example:5433 as mover"))
    #expect(!html.contains("pw-7391"))
    for word in ["http:", "https:", "//db", "src=", "url(", "@import", "<script"] {
      #expect(!html.contains(word), "\(word)")
    }
  }

  @Test func thousandsOfAgentsMakeAPageOfOneSize() {
    var large = report(agents: 5000)
    // The one with something to look at comes first, wherever it stands.
    large.agents[4321].tables[0].rejected = 17
    let html = ReportPage(large, of: run).html
    #expect(html.utf8.count < 200_000)
    #expect(html.contains("10,000,000") && html.contains("agent_4321"))
    #expect(html.contains("4,950 more agents in report.json."))
    let wide = ReportPage(report(agents: 2, tables: 3000), of: run).html
    #expect(wide.utf8.count < 200_000 && wide.contains("5,800 more tables of these agents in report.json."))
    var long = report(agents: 1)
    long.warnings = Array(repeating: String(repeating: "é", count: 1_000_000), count: 60)
    #expect(ReportPage(long, of: run).html.utf8.count < 200_000)
  }

  @Test func theEndIsToldInWords() {
    var report = report(agents: 1)
    let headline = { (report: ImportReport) in ReportPage(report, of: run).outcome.headline }
    #expect(headline(report) == "Done, not verified")
    var proof = VerificationReport()
    proof.compared = 2000
    report.verification = proof
    #expect(headline(report) == "Nothing was lost")
    report.agents[0].tables[0].rejected = 1
    #expect(headline(report) == "Done, with 1 row rejected")
    proof.differenceCount = 2
    report.verification = proof
    #expect(headline(report) == "2 differences between the source and Postgres")
    report.unreadable = [("x.db", "it is damaged")]
    #expect(headline(report) == "1 file could not be moved")
  }

  @Test(arguments: [
    (0.0, "0 s"), (0.004, "0 s"), (0.0512, "0.05 s"), (7.26, "7.3 s"), (59.94, "59.9 s"), (65, "1 min 05 s"),
    (3599.7, "1 h 00 min"), (7380, "2 h 03 min"), (-1, "0 s"),
  ])
  func durationsAreShort(seconds: Double, text: String) {
    #expect(ReportNumber.seconds(seconds) == text)
  }

  @Test(arguments: [
    (0.0, "0"), (250, "250"), (2500, "2.5k"), (40_000, "40k"), (1_250_000, "1.25M"), (0.5, "0.5"),
  ])
  func marksOfAnAxisAreShort(number: Double, text: String) {
    #expect(ReportNumber.short(number) == text)
  }

  @Test func aChartHasASumOfItsRows() throws {
    var rates = RunRates()
    rates.take(.began(.importing, file: "f", table: "t", target: "x", rows: 1), at: 0.5)
    for step in 1...20 { rates.take(.advanced(.importing, rows: 100), at: 0.5 + Double(step) / 4) }
    let series = try #require(rates.series.first)
    let parts = series.rates(parts: 60, seconds: 6)
    #expect(abs(parts.reduce(0) { $0 + $1 * 0.1 } - 2000) < 0.001)
    #expect(abs((series.average ?? 0) - 400) < 0.001)
    // A table without rows, or a run that takes no time, is no chart.
    #expect(RateChart(.init(RunRates(), seconds: 1)).html.text.contains("no rate"))
    #expect(RateChart(.init(rates, seconds: 0)).html.text.contains("no rate"))
  }
}
