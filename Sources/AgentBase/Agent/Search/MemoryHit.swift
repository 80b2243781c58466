// What a search answers: memories with how well they fit, the best first.

import Foundation

/// A memory that a search has found.
public struct MemoryHit: Sendable {
  /// The memory.
  public var memory: Memory
  /// How well it fits; more is better. What it means depends on the search: the rank of words, the similarity of vectors, or what
  /// both lists of a hybrid search add up to.
  public var score: Double
  /// How far its vector is from the one asked for, as pgvector measures it; nil where no vectors were compared.
  public var distance: Double?
}

/// A part of what a search has found.
public struct MemoryHits: Sendable {
  /// The hits, the best first; of equal ones the newest.
  public var hits: [MemoryHit]
  /// What to give as `after` for the next part; nil where this is the last.
  public var next: MemoryCursor?
}

/// Where a hit stands among the others: by what it is ordered by (less is better), then the newest first, those without a time
/// last, then by the bytes of namespace and key. The same on every backend.
struct HitPlace: Comparable, Sendable {
  var order: Double
  /// Microseconds since 1970 UTC; nil where a legacy row does not say.
  var time: Int64?
  var namespace: String
  var key: String

  static func < (left: HitPlace, right: HitPlace) -> Bool {
    if left.order != right.order { return left.order < right.order }
    if left.time != right.time { return left.time ?? .min > right.time ?? .min }
    if !left.namespace.isExactly(right.namespace) {
      return left.namespace.utf8.lexicographicallyPrecedes(right.namespace.utf8)
    }
    return left.key.utf8.lexicographicallyPrecedes(right.key.utf8)
  }

  static func == (left: HitPlace, right: HitPlace) -> Bool { !(left < right) && !(right < left) }
}

extension HitPlace {
  /// The place of a memory.
  init(order: Double, _ memory: Memory) {
    self.init(
      order: order, time: memory.updatedAt.flatMap { Timestamp($0)?.microseconds },
      namespace: memory.namespace,
      key: memory.key)
  }

  /// The place as a cursor, for what was looked for in this way.
  func cursor(_ kind: String) -> MemoryCursor {
    let parts: JSON = [
      .string(kind), .string(String(order.bitPattern, radix: 16)), time.map { .integer($0) } ?? .null,
      .string(namespace), .string(key),
    ]
    let text = Data(parts.jsonbText.utf8).base64EncodedString()
    return MemoryCursor(
      rawValue: text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: ""))
  }

  /// The place of a cursor.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidValue` where it is none, or one of another kind of search.
  init(_ cursor: MemoryCursor, _ kind: String) throws(AgentBaseError) {
    var text = cursor.rawValue.replacing("-", with: "+").replacing("_", with: "/")
    text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: text), case .array(let parts)? = try? JSON(parsing: Array(data)),
      parts.count == 5, parts[0].stringValue == kind,
      let bits = parts[1].stringValue.flatMap({ UInt64($0, radix: 16) }),
      let namespace = parts[3].stringValue, let key = parts[4].stringValue,
      !namespace.utf8.contains(0), !key.utf8.contains(0)
    else {
      throw AgentBaseError(
        .invalidValue, "the cursor is none of this kind of search",
        advice: "Give `next` of a page of the same search, unchanged.")
    }
    self.init(order: Double(bitPattern: bits), time: parts[2].int64Value, namespace: namespace, key: key)
  }
}

/// A memory at its place.
struct PlacedHit: Comparable, Sendable {
  var place: HitPlace
  var memory: Memory

  static func < (left: PlacedHit, right: PlacedHit) -> Bool { left.place < right.place }
  static func == (left: PlacedHit, right: PlacedHit) -> Bool { left.place == right.place }
}

/// The best hits that were seen, and no more of them than are asked for.
struct BestHits: Sendable {
  let limit: Int
  let after: HitPlace?
  /// The best first.
  private(set) var hits: [PlacedHit] = []

  init(limit: Int, after: HitPlace?) {
    self.limit = limit
    self.after = after
  }

  /// Whether a hit of this order may still be among them: asked before more is read of it.
  func mayTake(order: Double) -> Bool {
    if let after, order < after.order { return false }
    guard hits.count == limit, let last = hits.last else { return true }
    return order <= last.place.order
  }

  /// Whether a hit of this place is among them.
  func takes(_ place: HitPlace) -> Bool {
    if let after, place <= after { return false }
    guard hits.count == limit, let last = hits.last else { return true }
    return place < last.place
  }

  /// Takes a hit, if it is among the best.
  mutating func take(_ hit: PlacedHit) {
    guard takes(hit.place) else { return }
    var low = 0
    var high = hits.count
    while low < high {
      let middle = (low + high) / 2
      if hits[middle] < hit { low = middle + 1 } else { high = middle }
    }
    hits.insert(hit, at: low)
    if hits.count > limit { hits.removeLast() }
  }
}

/// A part of a search as a store answers it, in order; the last place is known even where all hits fit in.
struct HitPage: Sendable {
  var hits: [PlacedHit]
  /// Whether there are more.
  var isCut: Bool

  /// The first `limit` of them.
  init(_ hits: [PlacedHit], limit: Int) {
    isCut = hits.count > limit
    self.hits = Array(hits.prefix(limit))
  }
}
