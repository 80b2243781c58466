// Listings by time: page by page, or as one sequence.

/// A part of a listing.
public struct RecordPage<Record: Sendable>: Sendable {
  /// The records, the newest first.
  public var records: [Record]
  /// What to give as `after` for the next part; nil where this is the last.
  public var next: RecordCursor?
}

extension RecordPage {
  /// The page of what was found when one more than `limit` was asked for.
  init(_ found: [Placed<Record>], limit: Int) {
    records = found.prefix(limit).map(\.record)
    next = found.count > limit ? RecordCursor(found[limit - 1].place) : nil
  }
}

/// All records of a listing, the newest first, read page by page as they are asked for.
///
/// It holds one page at a time, ends when its task is cancelled, and stays right while others write: what is there when it
/// begins and stays is answered once.
public struct RecordSequence<Record: Sendable>: AsyncSequence, Sendable {
  let page: @Sendable (RecordCursor?) async throws -> RecordPage<Record>

  /// Reads the pages of one walk.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let page: @Sendable (RecordCursor?) async throws -> RecordPage<Record>
    var records: ArraySlice<Record> = []
    var cursor: RecordCursor?
    var isLast = false

    /// The next record; nil after the last.
    ///
    /// - Throws: what the listing throws.
    public mutating func next() async throws -> Record? {
      while records.isEmpty, !isLast {
        let page = try await page(cursor)
        records = page.records[...]
        cursor = page.next
        isLast = page.next == nil
      }
      return records.popFirst()
    }
  }

  /// Begins a walk.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(page: page) }
}
