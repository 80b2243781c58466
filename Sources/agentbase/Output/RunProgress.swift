// How far a run is, as a value: events and times in, lines out.

internal import LegacyImport

/// The state behind a progress bar. It has no clock and writes nothing.
struct RunProgress: Sendable {
  /// Tables and rows over the whole run.
  private(set) var tables = 0
  private(set) var rows = 0
  /// The activity that is shown.
  var activity: ImportEvent.Activity? { current?.activity }
  /// What is done of it.
  var tablesDone: Int { current?.tables ?? 0 }
  var rowsDone: Int { current?.rows ?? 0 }
  /// The table that was begun last.
  private(set) var place = ""
  /// The activities, in the order in which they began.
  private var stages: [Stage] = []

  private struct Stage {
    let activity: ImportEvent.Activity
    let start: Duration
    var tables = 0
    var rows = 0
  }

  /// The latest, but for the proof, which begins before the import is through.
  private var current: Stage? {
    let importing = stages.first { $0.activity == .importing && $0.tables < tables }
    return stages.last?.activity == .verifying ? importing ?? stages.last : stages.last
  }

  /// Takes an event at a time since the run began.
  mutating func take(_ event: ImportEvent, at time: Duration) {
    switch event {
    case .planned(_, let tables, let rows):
      self.tables = tables
      self.rows = rows
    case .began(let activity, let file, let table, _, _):
      if !stages.contains(where: { $0.activity == activity }) {
        stages.append(Stage(activity: activity, start: time))
      }
      place = table.isEmpty ? file : "\(file) \(table)"
    case .advanced(let activity, let rows): update(activity) { $0.rows += rows }
    case .finished(let activity, _, _, _, _): update(activity) { $0.tables += 1 }
    case .warning: break
    }
  }

  private mutating func update(_ activity: ImportEvent.Activity, _ change: (inout Stage) -> Void) {
    guard let place = stages.firstIndex(where: { $0.activity == activity }) else { return }
    change(&stages[place])
  }

  /// The part that is done, 0...1.
  var fraction: Double {
    if rows > 0 { return min(1, Double(rowsDone) / Double(rows)) }
    return tables > 0 ? min(1, Double(tablesDone) / Double(tables)) : 0
  }

  /// Rows a second since the activity began; nil before anything can be said.
  func rate(at time: Duration) -> Double? {
    guard let start = current?.start, rowsDone > 0, time > start else { return nil }
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
