// When the rows of a table were moved: it stands in each row's metadata, and differs where several runs have moved them.

/// The times of migration of a table's rows, asked for in the order of their places.
struct MigrationTimes: Sendable {
  /// The time of the rows up to a place.
  private var spans: ArraySlice<(through: Int64, text: String)>
  /// The time of the rows behind them.
  private let rest: String
  private var last: String?

  /// One time for all rows.
  ///
  /// - Parameter text: RFC 3339, UTC.
  init(_ text: String) {
    rest = text
    spans = []
  }

  /// The times that the ledger's lines tell.
  ///
  /// - Parameter microseconds: the time of rows behind the last line.
  init(_ lines: [LedgerLine], otherwise microseconds: Int64) {
    rest = ImportClock.text(microseconds)
    spans =
      lines.sorted { $0.firstRow < $1.firstRow }
      .map { (through: $0.lastRow, text: ImportClock.text($0.migratedAt)) }[...]
  }

  /// The time of the row at a place, where it is another than that of the row asked for before it.
  mutating func change(at position: Int64) -> String? {
    while let span = spans.first, span.through < position { spans.removeFirst() }
    let text = spans.first?.text ?? rest
    guard text != last else { return nil }
    last = text
    return text
  }
}
