// A bar of parts, as an inline picture that stretches to its place.

/// Draws what became of rows as a bar.
enum ReportBar {
  /// A bar, the full width of which stands for so many rows.
  static func html(_ parts: [ReportPage.Part], of whole: Int) -> HTML {
    var rectangles = HTML.empty
    var left = 0.0
    for part in parts where part.rows > 0 && whole > 0 {
      // A single row among millions must be seen: a part is at least half a percent wide.
      let width = min(max(Double(part.rows) / Double(whole) * 100, 0.5), 100 - min(left, 99.5))
      rectangles += """
        <rect class="\(part.kind.html)" x="\(decimal(left))" y="0" width="\(decimal(width))" height="10"/>
        """
      left += width
    }
    let words = parts.map { "\($0.rows.withSeparators) \($0.label)" }.joined(separator: ", ")
    return """
      <svg class="strip" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="\(words)">\(rectangles)</svg>
      """
  }

  /// A bar over the whole width, and what its colours mean.
  static func legend(_ parts: [ReportPage.Part]) -> HTML {
    let entries = parts.map { part -> HTML in
      "<li><i class=\"\(part.kind.html)\"></i>\(part.label) <b>\(part.rows.withSeparators)</b></li>\n"
    }
    return """
      <div class="share">
      \(html(parts, of: parts.reduce(0) { $0 + $1.rows }))
      <ul class="legend">
      \(entries)</ul>
      </div>

      """
  }

  /// A number of a picture's coordinates.
  static func decimal(_ number: Double) -> String {
    let hundredths = Int((number * 100).rounded())
    let rest = hundredths % 100
    return rest == 0 ? "\(hundredths / 100)" : "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
  }
}

extension ReportPage.Part.Kind {
  /// The name of its style.
  fileprivate var html: HTML { HTML(stringLiteral: rawValue) }
}
