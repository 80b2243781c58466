// Rates over time as an inline picture. Its lines stretch to any width; its words are text beside it, as large as all text.

/// Draws the rows a second of a run's activities.
struct RateChart {
  private let chart: ReportPage.Chart
  /// The rates of each activity in equal parts of the time.
  private let curves: [(series: RunRates.Series, rates: [Double])]
  /// The rows a second at the chart's top.
  private let top: Double

  /// The parts that the time is cut into: so many steps can still be told apart on a phone.
  private static let parts = 60
  /// The marks of the upright axis, and the steps between them.
  private static let marks = 4

  init(_ chart: ReportPage.Chart) {
    self.chart = chart
    curves = chart.rates.series.filter { $0.rows > 0 }.map {
      ($0, $0.rates(parts: Self.parts, seconds: chart.seconds))
    }
    top = Self.roundNumber(above: curves.flatMap(\.rates).max() ?? 0)
  }

  var html: HTML {
    guard !curves.isEmpty, top > 0 else {
      return "<p>No row was read: there is no rate to show.</p>\n"
    }
    let legend = curves.enumerated().map { place, curve -> HTML in
      "<li><i class=\"curve\(place % 4)\"></i>\(words(curve))</li>\n"
    }
    let upright = (0...Self.marks).reversed().map { mark -> HTML in
      "<span>\(ReportNumber.short(top * Double(mark) / Double(Self.marks)))</span>"
    }
    let level = (0...Self.marks).map { mark -> HTML in
      "<span>\(time(mark, of: Self.marks))</span>"
    }
    return """
      <figure class="chart">
      <ul class="legend">
      \(legend)</ul>
      <div class="plot">
      <div class="upright" aria-hidden="true">\(upright)</div>
      \(picture)
      <div class="level" aria-hidden="true">\(level)</div>
      </div>
      <figcaption>Rows a second over the time of the run.</figcaption>
      </figure>

      """
  }

  // MARK: - The picture

  private var picture: HTML {
    let lines = (0...Self.marks).map { mark -> HTML in
      let height = ReportBar.decimal(Double(mark) / Double(Self.marks) * 100)
      return "<line class=\"grid\" x1=\"0\" x2=\"100\" y1=\"\(height)\" y2=\"\(height)\"/>\n"
    }
    let areas = curves.enumerated().map { place, curve -> HTML in
      let path = path(curve.rates)
      return """
        <polygon class="area curve\(place % 4)" points="0,100 \(path) 100,100"/>
        <polyline class="line curve\(place % 4)" points="\(path)"/>

        """
    }
    return """
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="\(curves.map(words).joined(separator: "; "))">
      \(lines)\(areas)\(hints)</svg>
      """
  }

  /// A stair of equal steps: a part's rate holds over the whole of it.
  private func path(_ rates: [Double]) -> String {
    let width = 100 / Double(rates.count)
    return rates.enumerated().map { place, rate in
      let height = ReportBar.decimal(100 - rate / top * 100)
      let (left, right) = (Double(place) * width, Double(place + 1) * width)
      return "\(ReportBar.decimal(left)),\(height) \(ReportBar.decimal(right)),\(height)"
    }.joined(separator: " ")
  }

  /// What the pointer finds over a part of the time.
  private var hints: [HTML] {
    let width = 100 / Double(Self.parts)
    return (0..<Self.parts).map { part in
      let rates = curves.map {
        "\($0.series.activity.rawValue) \(Int($0.rates[part].rounded()).withSeparators) rows/s"
      }
      return """
        <rect class="hint" x="\(ReportBar.decimal(Double(part) * width))" y="0" width="\(ReportBar.decimal(width))" \
        height="100"><title>\(time(part, of: Self.parts)): \(rates.joined(separator: ", "))</title></rect>

        """
    }
  }

  private func time(_ part: Int, of parts: Int) -> String {
    ReportNumber.mark(chart.seconds * Double(part) / Double(parts), of: chart.seconds)
  }

  private func words(_ curve: (series: RunRates.Series, rates: [Double])) -> String {
    let average = curve.series.average.map { ", \(Int($0.rounded()).withSeparators) rows/s" } ?? ""
    return "\(curve.series.activity.rawValue): \(curve.series.rows.of("row"))\(average)"
  }

  /// The next number of 1, 2, 4, 6, 8 or 10 times a power of ten: its quarters are short to write.
  private static func roundNumber(above number: Double) -> Double {
    guard number > 0 else { return 0 }
    var power = 1.0
    while power * 10 <= number { power *= 10 }
    while power > number { power /= 10 }
    return ([1, 2, 4, 6, 8].first { $0 * power >= number } ?? 10) * power
  }
}
