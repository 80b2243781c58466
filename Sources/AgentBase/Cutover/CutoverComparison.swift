// Compares what an agent has in its SQLite file with what it has in Postgres, as an agent reads both.

import Foundation

/// Something that the two sides answer differently. It holds digests, and no values.
public struct CutoverDifference: Sendable, Hashable {
  /// `memory` or `tool`, or `metrics` or `executions` for all of them together.
  public var kind: String
  /// A memory's namespace.
  public var namespace: String
  /// A memory's key, or a tool's name.
  public var key: String
  /// A digest of what the file has; nil where it has nothing.
  public var sqlite: String?
  /// A digest of what Postgres has; nil where it has nothing.
  public var postgres: String?

  /// A difference, or the name of something alone.
  public init(kind: String, namespace: String, key: String, sqlite: String? = nil, postgres: String? = nil) {
    self.kind = kind
    self.namespace = namespace
    self.key = key
    self.sqlite = sqlite
    self.postgres = postgres
  }
}

/// What a comparison has found.
public struct CutoverComparison: Sendable, Hashable {
  /// How many memories there are in the file.
  public var memories = 0
  /// How many tools there are in the file.
  public var tools = 0
  /// How many measurements there are in the file.
  public var metrics = 0
  /// How many executions there are in the file.
  public var executions = 0
  /// The first differences, at most `mostDifferences`.
  public var differences: [CutoverDifference] = []
  /// How many there are.
  public var differenceCount = 0

  /// The most that are named.
  public static let mostDifferences = 1000

  mutating func add(_ difference: CutoverDifference) {
    differenceCount += 1
    if differences.count < Self.mostDifferences { differences.append(difference) }
  }
}

/// Records of a kind, put together.
struct RecordDigest: Sendable {
  var count = 0
  /// The same for the same records in any order.
  var digest = ""
  /// The time of the newest, in microseconds since 1970 UTC.
  var newest: Int64?
}

/// The two sides of an agent.
struct CutoverSides: Sendable {
  let sqlite: any AgentStore
  let postgres: any AgentStore
  /// How many are read at once. A legacy table is read as a whole for each page.
  private static let pageSize = 10_000

  // MARK: - Memories

  /// Walks through the memories of both sides in the order of their names.
  ///
  /// - Parameter differs: is told of each name whose memories differ.
  /// - Returns: how many the file has.
  func compareMemories(_ differs: (MemoryName, _ sqlite: String?, _ postgres: String?) -> Void) async throws
    -> Int
  {
    var left = Pages(store: sqlite)
    var right = Pages(store: postgres)
    var count = 0
    while true {
      let (mine, theirs) = (try await left.peek(), try await right.peek())
      switch (mine, theirs) {
      case (nil, nil): return count
      case (let mine?, let theirs?) where mine.name == theirs.name:
        let digests = (Self.digest(mine), Self.digest(theirs))
        if digests.0 != digests.1 { differs(mine.name, digests.0, digests.1) }
        count += 1
        left.advance()
        right.advance()
      case (let mine?, let theirs) where theirs.map({ mine.name < $0.name }) ?? true:
        differs(mine.name, Self.digest(mine), nil)
        count += 1
        left.advance()
      case (_, let theirs?):
        differs(theirs.name, nil, Self.digest(theirs))
        right.advance()
      default: return count
      }
    }
  }

  /// The memories of a side, page by page.
  private struct Pages {
    let store: any AgentStore
    private var page: ArraySlice<Memory> = []
    private var last: MemoryName?
    private var isLast = false

    init(store: any AgentStore) { self.store = store }

    mutating func peek() async throws -> Memory? {
      if page.isEmpty, !isLast {
        let found = try await store.list(
          MemoryListQuery(scope: .all, prefix: "", filter: nil, limit: CutoverSides.pageSize, after: last))
        page = found[...]
        last = found.last?.name ?? last
        isLast = found.count < CutoverSides.pageSize
      }
      return page.first
    }

    mutating func advance() { page = page.dropFirst() }
  }

  /// A digest of all that an agent reads of a memory but its version and times: an import brings a legacy row without them.
  static func digest(_ memory: Memory?) -> String? {
    guard let memory else { return nil }
    var text = memory.value.storedText + "\u{0}" + memory.metadata.storedText + "\u{0}"
    text += memory.expiresAt.flatMap(Timestamp.init)?.text ?? ""
    for number in memory.embedding ?? [] { text += " \(number.bitPattern)" }
    return digest(text)
  }

  // MARK: - Tools

  static func digest(_ tool: AgentTool?) -> String? {
    guard let tool else { return nil }
    return digest(
      [
        tool.description ?? "", tool.configuration.jsonbText, tool.metadata.storedText, "\(tool.isEnabled)",
        "\(tool.usageCount) \(tool.successCount) \(tool.failureCount)",
      ].joined(separator: "\u{0}"))
  }

  // MARK: - Records

  /// How many measurements there are, and a digest of all of them in any order.
  static func metrics(of store: any AgentStore, in range: RecordRange) async throws -> RecordDigest {
    try await sum { after in
      try await store.metrics(MetricQuery(name: nil, range: range, after: after, limit: pageSize)).map {
        let metric = $0.record
        let text = [
          metric.name, metric.value.map { "\($0.bitPattern)" } ?? "", metric.unit ?? "",
          metric.metadata.storedText, metric.timestamp.flatMap(Timestamp.init)?.text ?? "",
        ].joined(separator: "\u{0}")
        return (text, $0.place)
      }
    }
  }

  /// How many executions there are, and a digest of all of them in any order.
  static func executions(of store: any AgentStore, in range: RecordRange) async throws -> RecordDigest {
    try await sum { after in
      try await store.executions(
        ExecutionQuery(task: nil, status: nil, range: range, after: after, limit: pageSize)
      ).map {
        let execution = $0.record
        let times = [execution.startedAt, execution.completedAt].map {
          $0.flatMap(Timestamp.init)?.text ?? ""
        }
        let text =
          ([
            execution.task, execution.status.rawValue, execution.input?.jsonbText ?? "",
            execution.output?.jsonbText ?? "", execution.errorMessage ?? "",
            execution.durationMilliseconds.map { "\($0.bitPattern)" } ?? "", execution.metadata.storedText,
          ] + times).joined(separator: "\u{0}")
        return (text, $0.place)
      }
    }
  }

  private static func sum(
    _ page: (RecordPlace?) async throws -> [(text: String, place: RecordPlace)]
  ) async throws -> RecordDigest {
    var (found, sum) = (RecordDigest(), UInt64(0))
    var last: RecordPlace?
    while true {
      let rows = try await page(last)
      for row in rows { sum &+= hash(row.text) }
      found.count += rows.count
      found.newest = found.newest ?? rows.first?.place.time
      last = rows.last?.place
      if rows.count < pageSize {
        found.digest = "\(found.count):" + String(sum, radix: 16)
        return found
      }
    }
  }

  // MARK: - Digests

  private static func digest(_ text: String) -> String { String(hash(text), radix: 16) }

  /// Stirred at the end so that sums of it do not cancel out.
  private static func hash(_ text: String) -> UInt64 {
    var stable = StableHash()
    stable.combine(text)
    var hash = stable.value
    hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
    return hash ^ (hash >> 31)
  }
}
