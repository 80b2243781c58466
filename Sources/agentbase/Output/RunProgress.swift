// How far a run is, as a value: events and times in, lines out.

internal import LegacyImport

/// The state behind a progress bar. It has no clock and writes nothing.
struct RunProgress: Sendable {
  /// Tables and rows over the whole run.
  private(set) var tables = 0
  private(set) var rows = 0
  /// What is done of the present activity.
  private(set) var tablesDone = 0
  private(set) var rowsDone = 0
  private(set) var activity: ImportEvent.Activity?
  /// The table that was begun last.
  private(set) var place = ""
  private var start: Duration?

  /// Takes an event at a time since the run began.
  mutating func take(_ event: ImportEvent, at time: Duration) {
    switch event {
    case .planned(_, let tables, let rows):
      self.tables = tables
      self.rows = rows
    case .began(let activity, let file, let table, _, _):
      if activity != self.activity {
        // The next activity goes over the same rows again.
        self.activity = activity
        (tablesDone, rowsDone, start) = (0, 0, time)
      }
      place = table.isEmpty ? file : "\(file) \(table)"
    case .advanced(let rows): rowsDone += rows
    case .finished: tablesDone += 1
    case .warning: break
    }
  }

  /// The part that is done, 0...1.
  var fraction: Double {
    if rows > 0 { return min(1, Double(rowsDone) / Double(rows)) }
    return tables > 0 ? min(1, Double(tablesDone) / Double(tables)) : 0
  }

  /// Rows a second since the activity began; nil before anything can be said.
  func rate(at time: Duration) -> Double? {
    guard let start, rowsDone > 0, time > start else { return nil }
    return Double(rowsDone) / ((time - start) / .seconds(1))
  }

  /// What is done, in words: `importing 35% 1/4 tables, 318,470 rows, 10,930 rows/s, 0:54 left`.
  func text(at time: Duration) -> String {
    let percent = "\(Int(fraction * 100))%"
    var parts = ["\(tablesDone.grouped)/\(tables.grouped) tables"]
    if rows > 0 { parts.append("\(rowsDone.grouped) rows") }
    if let rate = rate(at: time) {
      parts.append("\(Int(rate).grouped) rows/s")
      if rows > rowsDone { parts.append("\(Self.clock(Double(rows - rowsDone) / rate)) left") }
    }
    return "\(activity?.rawValue ?? "looking") \(percent) \(parts.joined(separator: ", "))"
  }

  /// The same behind a bar, in so many columns at most.
  func line(at time: Duration, columns: Int) -> String {
    let text = text(at: time)
    let width = min(30, columns - text.count - 4)
    guard width >= 8 else { return String(text.prefix(max(0, columns - 1))) }
    let filled = Int(fraction * Double(width))
    return
      "[\(String(repeating: "#", count: filled))\(String(repeating: ".", count: width - filled))] \(text)"
  }

  /// `1:05`, `2:03:10`.
  static func clock(_ seconds: Double) -> String {
    let all = Int(min(seconds.rounded(.up), 359_999))
    let twoDigits = { (number: Int) in (number < 10 ? "0" : "") + String(number) }
    let minutes = all / 60 % 60
    return all >= 3600
      ? "\(all / 3600):\(twoDigits(minutes)):\(twoDigits(all % 60))" : "\(minutes):\(twoDigits(all % 60))"
  }
}
