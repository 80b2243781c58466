// Shows a run while it goes on: a bar on a terminal, plain lines elsewhere, nothing where nothing is wanted.

internal import LegacyImport
internal import Synchronization

/// Takes a run's events from any thread and shows them.
///
/// The bar is drawn on standard error, which else holds errors alone; plain lines belong to what the command tells, and
/// go to standard output.
final class ProgressDisplay: Sendable {
  /// How a run is shown.
  enum Style: Sendable {
    case bar
    case lines
    case silent
  }

  private struct State {
    var progress = RunProgress()
    var lastShown: Duration?
    var isDrawn = false
    var isPlanTold = false
    var tablesTold = 0
  }

  /// The tables that have a line of their own; after them the sum is told every few seconds.
  private static let mostTables = 40

  private let style: Style
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private let state = Mutex(State())

  /// A display in the style that the options and the terminal ask for.
  convenience init(_ arguments: Arguments) {
    let isSilent = arguments[.json] || arguments[.quiet]
    self.init(isSilent ? .silent : Output.canDraw ? .bar : .lines)
  }

  init(_ style: Style) {
    self.style = style
    start = clock.now
  }

  /// Takes an event.
  func take(_ event: ImportEvent) {
    let time = clock.now - start
    state.withLock { state in
      state.progress.take(event, at: time)
      switch style {
      case .silent: break
      case .bar: draw(event, at: time, &state)
      case .lines: tell(event, at: time, &state)
      }
    }
  }

  /// Clears the bar; call it before anything else is printed.
  func end() {
    state.withLock { state in clear(&state) }
  }

  // MARK: Drawing

  private func draw(_ event: ImportEvent, at time: Duration, _ state: inout State) {
    if case .warning(let text) = event {
      clear(&state)
      Output.error("warning: \(printable(text))")
    }
    // More often than ten times a second nobody sees, and drawing would cost the run time.
    if let last = state.lastShown, time - last < .milliseconds(100) { return }
    state.lastShown = time
    state.isDrawn = true
    Output.drawing("\r" + state.progress.line(at: time, columns: Output.columns) + "\u{1B}[K")
  }

  private func clear(_ state: inout State) {
    guard state.isDrawn else { return }
    Output.drawing("\r\u{1B}[K")
    state.isDrawn = false
    state.lastShown = nil
  }

  // MARK: Telling

  private func tell(_ event: ImportEvent, at time: Duration, _ state: inout State) {
    switch event {
    case .planned(let files, let tables, let rows):
      // What comes later is only more of the same: an import learns of tables and rows file by file.
      guard !state.isPlanTold else { break }
      state.isPlanTold = true
      let what = rows > 0 ? ", \(tables.counted("table")), \(rows.counted("row"))" : ""
      Output.standard("found \(files.counted("file"))\(what)")
    case .finished(let activity, let file, let table, let rows, let rejected):
      // A fleet of thousands would fill a log with lines that the report has too.
      guard state.tablesTold < Self.mostTables else { return tellSum(at: time, every: .seconds(3), &state) }
      state.tablesTold += 1
      let names = table.isEmpty ? printable(file) : "\(printable(file)) \(printable(table))"
      let of = table.isEmpty ? names : "\(names): \(rows.counted("row"))"
      Output.standard(
        "\(activity.rawValue) \(of)" + (rejected > 0 ? ", \(rejected.grouped) rejected" : ""))
      state.lastShown = time
    // A large table says every ten seconds that it goes on.
    case .advanced: tellSum(at: time, every: .seconds(10), &state)
    case .warning(let text): Output.error("warning: \(printable(text))")
    case .began: break
    }
  }

  /// Says how far the run is, unless something was said a moment ago.
  private func tellSum(at time: Duration, every pause: Duration, _ state: inout State) {
    guard time - (state.lastShown ?? .zero) > pause else { return }
    state.lastShown = time
    Output.standard(state.progress.text(at: time))
  }
}
