// What follows from the ledger of earlier runs for the rows that are to be read now.

/// Rows of a source that are to be read: those after one place, up to another.
struct ScanRange: Sendable, Equatable {
  /// The place before the first row; nil from the beginning.
  var after: Int64?
  /// The place of the last row; nil to the end.
  var through: Int64?
  /// Whether no earlier run has read beyond `after`, so that the rows can be expected not to be there.
  var isFresh: Bool
}

/// What earlier runs have left to do.
struct SourcePlan: Sendable, Equatable {
  /// The rows to read.
  var ranges: [ScanRange] = []
  /// The lines whose rows are as they were.
  var settled: [LedgerLine] = []
  /// The lines whose rows have changed since, or may differ; they are read again.
  var stale: [LedgerLine] = []

  /// Whether something has changed since.
  var hasChanges: Bool { !ranges.isEmpty || !stale.isEmpty }

  /// Reads everything again, as into an empty table.
  mutating func startOver() { readAll(isFresh: true) }

  /// Reads everything again, and expects it to be there.
  mutating func readAgain() { readAll(isFresh: false) }

  private mutating func readAll(isFresh: Bool) {
    stale += settled
    settled = []
    ranges = [ScanRange(isFresh: isFresh)]
  }
}

/// Walks along the rows of a source and the lines of its ledger, both in the order of their places. Pure: places and digests
/// go in, a plan comes out.
struct LedgerWalk {
  /// Where a row belongs.
  enum Place: Equatable {
    /// In the line under way: its values count for the line's digest.
    case inLine
    /// In no line: it has to be read.
    case uncovered
  }

  private let lines: [LedgerLine]
  private var next = 0
  private var rowsInLine = 0
  private(set) var plan = SourcePlan()

  /// Begins before the first row.
  init(lines: [LedgerLine]) {
    self.lines = lines.sorted { $0.firstRow < $1.firstRow }
  }

  /// Steps to the row at `position`. `digest` answers that of the line's rows when a line ends here.
  mutating func step(to position: Int64, digest: () -> [UInt8]) -> Place {
    while next < lines.count, position > lines[next].lastRow { finishLine(digest()) }
    guard next < lines.count, position >= lines[next].firstRow else {
      openRange()
      return .uncovered
    }
    rowsInLine += 1
    return .inLine
  }

  /// Ends the walk after the last row.
  mutating func finish(digest: () -> [UInt8]) {
    while next < lines.count { finishLine(digest()) }
  }

  private mutating func finishLine(_ digest: [UInt8]) {
    let line = lines[next]
    if line.digest == digest, line.rowsRead == rowsInLine {
      plan.settled.append(line)
    } else {
      plan.stale.append(line)
      plan.ranges.append(
        ScanRange(
          after: line.firstRow == .min ? nil : line.firstRow - 1, through: line.lastRow, isFresh: false))
    }
    next += 1
    rowsInLine = 0
  }

  private mutating func openRange() {
    let range = ScanRange(
      after: next > 0 ? lines[next - 1].lastRow : nil,
      through: next < lines.count ? lines[next].firstRow - 1 : nil, isFresh: next == lines.count)
    if plan.ranges.last != range { plan.ranges.append(range) }
  }
}
