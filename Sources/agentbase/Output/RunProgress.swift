// How far a run is, as a value: events and times in, lines out.

internal import LegacyImport

/// The state behind a progress bar. It has no clock and writes nothing.
struct RunProgress: Sendable {
  /// What is done of an activity, and the time that it took.
  private struct Account {
    var tables = 0
    var rows = 0
    /// The tables that are under way, and since when there is one.
    var open = 0
    var since: Duration = .zero
    /// The time before that in which there was one.
    var spent: Duration = .zero

    mutating func begin(at time: Duration) {
      if open == 0 { since = time }
      open += 1
    }

    mutating func finish(at time: Duration) {
      tables += 1
      open = max(0, open - 1)
      if open == 0 { spent += max(.zero, time - since) }
    }

    /// Rows a second; nil before anything can be said.
    func rate(at time: Duration) -> Double? {
      let seconds = (spent + (open > 0 ? max(.zero, time - since) : .zero)) / .seconds(1)
      return rows > 0 && seconds > 0 ? Double(rows) / seconds : nil
    }
  }

  /// Tables and rows over all files that are known.
  private(set) var tables = 0
  private(set) var rows = 0
  /// What is being done, and what was begun last.
  private(set) var activity: ImportEvent.Activity?
  private(set) var place = ""
  /// A run goes from one activity to the next and back, file by file, and proves a table while it imports the next.
  private var accounts: [ImportEvent.Activity: Account] = [:]
  /// Whether two activities were seen under way at once.
  private var isSideBySide = false

  /// All files, and how many of them are in `tables` and `rows`: an import learns of them one by one.
  private var files = 0
  private var filesKnown = 0
  private var knowsAllFiles = false

  /// Takes an event at a time since the run began.
  mutating func take(_ event: ImportEvent, at time: Duration) {
    switch event {
    case .planned(let files, let tables, let rows): plan(files: files, tables: tables, rows: rows)
    case .began(let activity, let file, let table, _, _):
      accounts[activity, default: Account()].begin(at: time)
      isSideBySide = isSideBySide || accounts.values.count { $0.open > 0 } > 1
      // The import is what the user waits for; the proof is shown when it is alone.
      self.activity =
        [.importing, .copying].first { accounts[$0]?.open ?? 0 > 0 } ?? activity
      place = table.isEmpty ? file : "\(file) \(table)"
    case .advanced(let activity, let rows): accounts[activity, default: Account()].rows += rows
    case .finished(let activity, _, _, _, _):
      accounts[activity, default: Account()].finish(at: time)
      if let other = accounts.first(where: { $0.value.open > 0 })?.key { self.activity = other }
    case .warning: break
    }
  }

  private mutating func plan(files: Int, tables: Int, rows: Int) {
    if self.files == 0 || tables < self.tables {
      // A plan begins; where its first word holds tables, it is the whole plan.
      (filesKnown, knowsAllFiles) = (0, tables > 0)
    } else if tables > self.tables {
      filesKnown += 1
    }
    (self.files, self.tables, self.rows) = (files, tables, rows)
  }

  // MARK: - What is left

  private var present: Account { activity.flatMap { accounts[$0] } ?? Account() }
  var tablesDone: Int { present.tables }
  var rowsDone: Int { present.rows }

  /// How many times what is known the whole is, if files that are not known yet are as those that are.
  private var scale: Double {
    knowsAllFiles || filesKnown == 0 ? 1 : max(1, Double(files) / Double(filesKnown))
  }

  /// The part of the present activity that is done, 0...1.
  var fraction: Double {
    if rows > 0 { return min(1, Double(rowsDone) / (Double(rows) * scale)) }
    return tables > 0 ? min(1, Double(tablesDone) / (Double(tables) * scale)) : 0
  }

  /// Rows a second of the present activity; nil before anything can be said.
  func rate(at time: Duration) -> Double? { present.rate(at: time) }

  /// Seconds that are left, as far as the activities go that were begun; nil before anything can be said.
  func secondsLeft(at time: Duration) -> Double? {
    guard rows > 0, rate(at: time) != nil else { return nil }
    let expected = Double(rows) * scale
    let seconds = accounts.values.compactMap { account in
      account.rate(at: time).map { max(0, expected - Double(account.rows)) / $0 }
    }
    let left = isSideBySide ? seconds.max() ?? 0 : seconds.reduce(0, +)
    return left > 0 ? left : nil
  }

  // MARK: - Words

  /// What is done, in words: `importing 35% 1/4 tables, 318,470 rows, 10,930 rows/s, 0:54 left`.
  func text(at time: Duration) -> String {
    let rate = rate(at: time).map { "\(Int($0).grouped) rows/s" }
    let parts = [doneTables, rows > 0 ? "\(rowsDone.grouped) rows" : nil, rate, left(at: time)]
    return "\(activity?.rawValue ?? "looking") \(percent) \(parts.compactMap(\.self).joined(separator: ", "))"
  }

  /// The same behind a bar, in so many columns at most. A narrow terminal sees the more important half of it.
  func line(at time: Duration, columns: Int) -> String {
    let room = max(0, columns - 1)
    let text = text(at: time)
    // The bar keeps its width while the numbers grow.
    let growth = max(0, rows.grouped.count - rowsDone.grouped.count)
    let width = min(30, room - text.count - growth - 3)
    if width >= 8 {
      let filled = Int(fraction * Double(width))
      let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
      return "[\(bar)] \(text)"
    }
    let rate = rate(at: time).map { $0 >= 10_000 ? "\(Int($0 / 1000).grouped)k rows/s" : "\(Int($0)) rows/s" }
    let shorter = [[doneTables, rate, left(at: time)], [rate, left(at: time)], [left(at: time)]].map {
      parts in
      ([percent] + parts.compactMap(\.self)).joined(separator: ", ")
    }
    return ([text] + shorter).first { $0.count <= room } ?? String(percent.prefix(room))
  }

  private var percent: String { "\(Int(fraction * 100))%" }
  private var doneTables: String { "\(tablesDone.grouped)/\(tables.grouped) tables" }
  private func left(at time: Duration) -> String? { secondsLeft(at: time).map { "\(Self.clock($0)) left" } }

  /// `1:05`, `2:03:10`.
  static func clock(_ seconds: Double) -> String {
    let all = Int(min(seconds.rounded(.up), 359_999))
    let twoDigits = { (number: Int) in (number < 10 ? "0" : "") + String(number) }
    let minutes = all / 60 % 60
    return all >= 3600
      ? "\(all / 3600):\(twoDigits(minutes)):\(twoDigits(all % 60))" : "\(minutes):\(twoDigits(all % 60))"
  }
}
