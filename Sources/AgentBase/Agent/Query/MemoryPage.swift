// Parts of listings, and whole ones as sequences.

/// A part of a listing or a search.
public struct MemoryPage: Sendable {
  /// The memories, in the listing's order.
  public var memories: [Memory]
  /// The last key, to give as `after` for the next part of a listing of one namespace; nil where this is the last part.
  public var next: String?
  /// What to give as `after` for the next part; nil where this is the last.
  public var cursor: MemoryCursor?
}

/// The memories of a listing or a search, read page by page as they are asked for.
///
/// It holds one page at a time, and asks for the next when that has been used up. What others store meanwhile is found where it
/// stands behind the last memory; no memory comes twice in a listing. Cancelling the task ends it with `CancellationError`.
public struct MemorySequence: AsyncSequence, Sendable {
  /// What it is made of.
  public typealias Element = Memory

  let page: @Sendable (MemoryCursor?) async throws -> MemoryPage

  /// Reads from the beginning.
  public func makeAsyncIterator() -> Iterator { Iterator(page: page) }

  /// Reads page by page.
  public struct Iterator: AsyncIteratorProtocol {
    let page: @Sendable (MemoryCursor?) async throws -> MemoryPage
    private var memories = [Memory]()[...]
    private var cursor: MemoryCursor?
    private var hasMore = true

    init(page: @escaping @Sendable (MemoryCursor?) async throws -> MemoryPage) { self.page = page }

    /// The next memory; nil behind the last.
    public mutating func next() async throws -> Memory? {
      try Task.checkCancellation()
      while memories.isEmpty {
        guard hasMore else { return nil }
        let next = try await page(cursor)
        memories = next.memories[...]
        cursor = next.cursor
        hasMore = next.cursor != nil
      }
      return memories.popFirst()
    }
  }
}

/// What a listing asks a backend for.
struct MemoryListQuery: Sendable {
  var scope: MemoryScope
  var prefix: String
  var filter: MemoryFilter?
  var limit: Int
  var after: MemoryName?
}

/// What a search asks a backend for.
struct MemorySearchQuery: Sendable {
  var text: String
  var scope: MemoryScope
  var filter: MemoryFilter?
  var limit: Int
  var after: SearchPlace?
}

/// What a search found, with the time that it is ordered by.
struct FoundMemory: Sendable {
  var memory: Memory
  /// Microseconds since 1970 UTC.
  var time: Int64?

  var place: SearchPlace {
    SearchPlace(time: time, name: MemoryName(namespace: memory.namespace, key: memory.key))
  }
}
