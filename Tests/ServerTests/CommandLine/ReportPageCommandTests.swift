// The page that an import leaves beside its report, opened in a browser as a reader opens it.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ReportPageCommandTests {
  @Test func aPageLiesBesideTheReport() async throws {
    let agents = try LegacyFolder()
    let database = try await ServerDatabase()
    let url = try await database.urlOfNewUser(rights: "GRANT CREATE ON SCHEMA public TO ROLE")
    for (report, files) in [
      ("r.json", ["r.html", "r.json"]), ("page.html", ["page.html", "page.json"]),
      ("plain", ["plain", "plain.html"]),
    ] {
      let run = try await Command.run(
        ["import", "--agents-path", "agents", "--report", report], in: agents.home,
        environment: ["DATABASE_URL": url], secret: ServerDatabase.oddPassword)
      #expect(run.exitCode == 0, "\(run.errors)")
      for file in files {
        let text = try String(contentsOf: URL(filePath: "\(agents.home)/\(file)"), encoding: .utf8)
        #expect(text.hasPrefix(file.hasSuffix(".html") ? "<!doctype html>" : "{"))
        #expect(run.output.contains(file) && !text.contains("pa@ss") && !text.contains("postgresql://"))
      }
    }
    let run = try await Command.run(
      ["import", "--agents-path", "agents", "--json"], in: agents.home, environment: ["DATABASE_URL": url])
    let pages = try FileManager.default.contentsOfDirectory(atPath: agents.home).filter {
      $0.hasPrefix("migration_report_")
    }
    #expect(pages.count == 2 && pages.contains { $0.hasSuffix(".html") }, "\(pages)")
    let rates = try #require(try run.json()["rates"])
    #expect(rates.text.contains("importing") && rates.text.contains("\"rows\""))
    // A page that cannot be written is told of before the run.
    try FileManager.default.createDirectory(
      atPath: agents.home + "/taken.html", withIntermediateDirectories: false)
    let refused = try await Command.run(
      ["import", "--agents-path", "agents", "--report", "taken.json"], in: agents.home,
      environment: ["DATABASE_URL": url])
    #expect(refused.exitCode == 1 && refused.errors.contains("the report taken.html cannot be written"))
  }

  @Test(.enabled(if: Browser.path != nil, Browser.missing))
  func aBrowserShowsIt() async throws {
    let scene = try await PageScene()
    let browser = try Browser()
    let pages = ["whole", "differs", "empty"].map { scene.path($0 + ".html") }
    let widths = [1280, 390]
    let (sizes, view) = try await browser.measure(pages, widths: widths)
    try #require(sizes.count == pages.count * widths.count)
    for (place, size) in sizes.enumerated() {
      #expect(size["room"]?.int64Value ?? 0 > widths[place % widths.count] - 40)
      #expect(size["width"] == size["room"], "\(pages[place / widths.count]) overflows: \(size)")
      #expect(size["scripts"] == 0 && size["requests"] == 0)
      #expect(size["title"] == "Import from SQLite into Postgres")
    }
    #expect(view.console.isEmpty, "\(view.console)")
    #expect(!view.requests.contains(PageScene.elsewhere))

    let whole = try await browser.view(pages[0])
    for text in [
      "Nothing was lost", "operational_crawler", "sessions", "importing: ", ">7<", "exit code is 0",
    ] {
      #expect(whole.document.contains(text), "\(text)")
    }
    let differs = try await browser.view(pages[1])
    for text in [
      "2 differences between the source and Postgres", "altered", "missing", "no_sevens", "exit code is 4",
      "&lt;script&gt;",
    ] {
      #expect(differs.document.contains(text), "\(text)")
    }
    let empty = try await browser.view(pages[2])
    #expect(empty.document.contains("There was nothing to move"))
    for view in [whole, differs, empty] { #expect(view.console.isEmpty, "\(view.console)") }
  }

  @Test(.enabled(if: Browser.path != nil, Browser.missing))
  func itIsLightOrDark() async throws {
    let scene = try await PageScene()
    let browser = try Browser()
    for width in [1280, 390] {
      let light = try await browser.picture(scene.path("whole.html"), width: width, isDark: false)
      let dark = try await browser.picture(scene.path("whole.html"), width: width, isDark: true)
      // PNG: the signature, and the width in the header's first field.
      for picture in [light, dark] {
        #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]) && picture.count > 10_000)
        #expect(picture[16..<20].reduce(0) { $0 << 8 | Int($1) } == width)
      }
      #expect(light != dark)
    }
  }

  /// What the tests above rely on: a page that runs a script, asks for something or is too wide is found out.
  @Test(.enabled(if: Browser.path != nil, Browser.missing))
  func theBrowserFindsFaults() async throws {
    let folder = try TemporaryFolder("faults")
    let page = try folder.file("page.html")
    try """
    <!doctype html><title>x</title><img src="http://\(PageScene.elsewhere)/x"><div style="width: 3000px">x</div>
    <script>console.error('told'); document.title = 'run'</script>
    """.write(to: URL(filePath: page), atomically: false, encoding: .utf8)
    let (sizes, view) = try await Browser().measure([page], widths: [390])
    #expect(sizes.first?["title"] == "run" && sizes.first?["scripts"] == 1)
    #expect((sizes.first?["width"]?.int64Value ?? 0) >= 3000 && sizes.first?["room"] != sizes.first?["width"])
    #expect(view.console.contains { $0.contains("told") })
    #expect(view.requests.contains(PageScene.elsewhere))
  }
}

/// Three imports and their pages: one that went well, one with rejects and differences and names that are HTML, one of nothing.
private struct PageScene {
  /// An address that nobody answers at.
  static let elsewhere = "127.0.0.1:9"
  private let agents: LegacyFolder

  init() async throws {
    agents = try LegacyFolder()
    try agents.write("../empty/one/x.db", "CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT)")
    let name = "<script>document.title = 'run'</script><img src=http://\(Self.elsewhere)/x> memory"
    let table = "\"\(name)\""
    try agents.write(
      "../evil/one/x.db",
      """
      CREATE TABLE \(table) (key TEXT PRIMARY KEY, value TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
        INSERT INTO \(table) SELECT '<b>key' || i, i FROM n;
      INSERT INTO \(table) VALUES ('a-very-long-key-' || hex(randomblob(400)), 'x');
      """)
    let database = try await ServerDatabase()
    try await run("whole", "agents", database, exitCode: 0)
    try await run("empty", "empty", ServerDatabase(), exitCode: 0)
    try await database.psql(
      "ALTER TABLE agent_memories ADD CONSTRAINT no_sevens CHECK (key !~ '77$')")
    try await run("rejected", "evil", database, exitCode: 3)
    try await database.psql(
      "UPDATE agent_memories SET content = '1' WHERE key = '<b>key5'; DELETE FROM agent_memories WHERE key = '<b>key6'"
    )
    try await run("differs", "evil", database, exitCode: 4)
  }

  func path(_ name: String) -> String { agents.home + "/" + name }

  private func run(_ report: String, _ folder: String, _ database: ServerDatabase, exitCode: Int32)
    async throws
  {
    let run = try await Command.run(
      ["import", "--agents-path", folder, "--report", report + ".json"], in: agents.home,
      environment: ["DATABASE_URL": database.url])
    try #require(run.exitCode == exitCode, "\(run.errors)")
  }
}
