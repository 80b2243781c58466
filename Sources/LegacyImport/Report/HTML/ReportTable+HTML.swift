// Draws a page's tables: rows and columns on a wide screen, one block a row on a phone.

extension ReportPage.Table {
  /// The table with its groups, each in a body of its own, so that a page break does not part a head from its members.
  var html: HTML {
    let heads = columns.map { column -> HTML in
      "<th scope=\"col\" class=\"\(column.alignment.html)\">\(column.title)</th>"
    }
    var bodies = HTML.empty
    for group in groups { bodies += "<tbody>\n\(group.map(html))</tbody>\n" }
    return """
      <table>
      <thead><tr>\(heads)</tr></thead>
      \(bodies)</table>
      \(ReportPage.Block.moreLine(more))
      """
  }

  /// The rows by group: a row of the rank `group` begins one, and so does a total.
  private var groups: [[Row]] {
    var groups: [[Row]] = []
    for row in rows {
      if row.rank == .member, !groups.isEmpty {
        groups[groups.count - 1].append(row)
      } else {
        groups.append([row])
      }
    }
    return groups
  }

  private func html(_ row: Row) -> HTML {
    var cells: [HTML] = []
    for (place, cell) in row.cells.enumerated() where place < columns.count {
      // The first cell reaches over those behind it that are empty.
      if case .none = cell, place > 0, row.cells[1...place].allSatisfy(\.isEmpty) { continue }
      let span = place == 0 ? 1 + row.cells.dropFirst().prefix(while: \.isEmpty).count : 1
      cells.append(html(cell, in: columns[place], span: span))
    }
    return "<tr class=\"\(HTML(stringLiteral: row.rank.rawValue))\">\(cells)</tr>\n"
  }

  private func html(_ cell: Cell, in column: (title: String, alignment: Alignment), span: Int) -> HTML {
    var classes = column.alignment.html
    let content: HTML
    switch cell {
    case .text(let text): content = "\(ReportPage.shortened(text))"
    case .name(let name, let note):
      content = "\(ReportPage.shortened(name)) <small>\(ReportPage.shortened(note))</small>"
    case .number(let number):
      content = "\(number.withSeparators)"
      if number == 0 { classes += " zero" }
    case .alarming(let number):
      content = "\(number.withSeparators)"
      classes += number > 0 ? " alarm" : " zero"
    case .seconds(let seconds): content = "\(ReportNumber.seconds(seconds))"
    case .bar(let parts, let whole): content = ReportBar.html(parts, of: whole)
    // A phone shows no block for a cell without content.
    case .none: return "<td class=\"\(classes) empty\"></td>"
    }
    let reach: HTML = span > 1 ? " colspan=\"\(span)\"" : ""
    return "<td\(reach) class=\"\(classes)\" data-label=\"\(column.title)\">\(content)</td>"
  }
}

extension ReportPage.Table.Alignment {
  /// The name of its style.
  fileprivate var html: HTML {
    switch self {
    case .text: "text"
    case .label: "label"
    case .code: "code"
    case .number: "number"
    case .bar: "bar"
    }
  }
}

extension ReportPage.Table.Cell {
  fileprivate var isEmpty: Bool { if case .none = self { true } else { false } }
}
