// Draws a page: one file of HTML that needs nothing from elsewhere and runs no script.

extension ReportPage {
  /// The page as a file of HTML: styles and pictures inside, no script, nothing fetched; light or dark as the reader's system
  /// is, and to be printed.
  public var html: String {
    // The policy makes sure of what is promised: not even a mistake could load or run something.
    let document: HTML = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="generator" content="AgentBase">
      <title>\(title)</title>
      <link rel="icon" href="data:,">
      <style>
      \(ReportStyle.sheet)
      </style>
      </head>
      <body>
      <main>
      <header>
      <p class="kicker">AgentBase</p>
      <h1>\(title)</h1>
      <p class="subtitle">\(subtitle)</p>
      </header>
      <div class="outcome \(outcome.tone.html)">
      <h2>\(outcome.headline)</h2>
      <p>\(outcome.detail)</p>
      </div>
      \(figureList)
      \(sections.map(\.html))
      </main>
      </body>
      </html>

      """
    return document.text
  }

  private var figureList: HTML {
    guard !figures.isEmpty else { return .empty }
    let items = figures.map { figure -> HTML in
      "<div class=\"\(figure.tone.html)\"><dt>\(figure.label)</dt><dd>\(figure.value)</dd></div>\n"
    }
    return "<dl class=\"figures\">\n\(items)</dl>"
  }
}

extension ReportPage.Tone {
  /// The name of its style.
  fileprivate var html: HTML { HTML(stringLiteral: rawValue) }
}

extension ReportPage.Section {
  fileprivate var html: HTML {
    "<section>\n<h2>\(title)</h2>\n\(blocks.map(\.html))</section>\n"
  }
}

extension ReportPage.Block {
  fileprivate var html: HTML {
    switch self {
    case .text(let text): "<p>\(text)</p>\n"
    case .lines(let lines, let more): Self.list(lines, more: more)
    case .facts(let facts): Self.list(facts)
    case .share(let parts): ReportBar.legend(parts)
    case .table(let table): table.html
    case .chart(let chart): RateChart(chart).html
    }
  }

  private static func list(_ lines: [String], more: String?) -> HTML {
    let items = lines.map { line -> HTML in "<li>\(line)</li>\n" }
    return "<ul>\n\(items)</ul>\n\(moreLine(more))"
  }

  private static func list(_ facts: [(name: String, value: String)]) -> HTML {
    let items = facts.map { fact -> HTML in "<div><dt>\(fact.name)</dt><dd>\(fact.value)</dd></div>\n" }
    return "<dl class=\"facts\">\n\(items)</dl>\n"
  }

  /// The line that says what is left out.
  static func moreLine(_ more: String?) -> HTML { more.map { "<p class=\"more\">\($0)</p>\n" } ?? .empty }
}
