// What is left to do follows from the ledger and the rows, and from nothing else.

import Testing

@testable import LegacyImport

@Suite struct LedgerWalkTests {
  /// A line over the rows from one place to another, with a digest that names its first row.
  private func line(_ chunk: Int, _ first: Int64, _ last: Int64, rows: Int, digest: [UInt8]? = nil)
    -> LedgerLine
  {
    LedgerLine(
      chunk: chunk, firstRow: first, lastRow: last, rowsRead: rows, rowsLoaded: rows, rowsThere: 0,
      rowsRejected: 0,
      digest: digest ?? [UInt8(truncatingIfNeeded: first)], migratedAt: 0)
  }

  /// Walks along rows at these places; a line's digest is the place of its first row.
  private func plan(_ lines: [LedgerLine], rows: [Int64]) -> SourcePlan {
    var walk = LedgerWalk(lines: lines)
    var first: Int64?
    let digest = {
      defer { first = nil }
      return first.map { [UInt8(truncatingIfNeeded: $0)] } ?? []
    }
    for row in rows where walk.step(to: row, digest: digest) == .inLine { first = first ?? row }
    walk.finish(digest: digest)
    return walk.plan
  }

  @Test func nothingIsLeftWhereNothingHasChanged() {
    let lines = [line(1, 1, 3, rows: 3), line(2, 4, 6, rows: 3)]
    let plan = plan(lines, rows: [1, 2, 3, 4, 5, 6])
    #expect(plan == SourcePlan(ranges: [], settled: lines, stale: []))
  }

  @Test func newRowsAfterTheLastLineAreFresh() {
    #expect(
      plan([line(1, 1, 3, rows: 3)], rows: [1, 2, 3, 4, 5]).ranges == [
        ScanRange(after: 3, through: nil, isFresh: true)
      ])
  }

  @Test func rowsBetweenLinesAreReadAndNotTakenAsFresh() {
    let plan = plan([line(1, 5, 6, rows: 2), line(2, 9, 9, rows: 1)], rows: [-3, 5, 6, 7, 8, 9])
    #expect(
      plan.ranges == [
        ScanRange(after: nil, through: 4, isFresh: false), ScanRange(after: 6, through: 8, isFresh: false),
      ])
    #expect(plan.settled.count == 2)
  }

  @Test func aLineWithAnotherDigestIsReadAgain() {
    let stale = line(2, 4, 6, rows: 3, digest: [99])
    let plan = plan([line(1, 1, 3, rows: 3), stale], rows: [1, 2, 3, 4, 5, 6, 7])
    #expect(plan.stale == [stale])
    #expect(
      plan.ranges == [
        ScanRange(after: 3, through: 6, isFresh: false), ScanRange(after: 6, through: nil, isFresh: true),
      ])
  }

  @Test func aLineWithFewerRowsIsReadAgain() {
    #expect(plan([line(1, 1, 3, rows: 3)], rows: [1, 2]).stale.count == 1)
  }

  @Test func aLineWhoseRowsAreGoneIsReadAgain() {
    let plan = plan([line(1, 1, 3, rows: 3)], rows: [])
    #expect(plan.stale.count == 1)
    #expect(plan.settled.isEmpty)
  }

  @Test func aLineWithoutADigestIsReadAgain() {
    let unsure = LedgerLine(
      chunk: 1, firstRow: 1, lastRow: 1, rowsRead: 1, rowsLoaded: 0, rowsThere: 1, rowsRejected: 0,
      digest: nil,
      migratedAt: 0)
    #expect(plan([unsure], rows: [1]).stale == [unsure])
  }

  @Test func theLowestRowIDHasNoPlaceBefore() {
    let lowest = line(1, .min, .min, rows: 1, digest: [7])
    #expect(
      plan([lowest], rows: [.min]).ranges == [ScanRange(after: nil, through: .min, isFresh: false)])
  }
}
