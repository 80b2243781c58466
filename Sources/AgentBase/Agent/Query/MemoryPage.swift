// Parts of listings, and the places between them.

/// A part of a listing or a search.
public struct MemoryPage: Sendable {
  /// The memories, in the listing's order.
  public var memories: [Memory]
  /// The key to give as `after` for the next part of a listing of one namespace; nil where this is the last.
  public var next: String?
  /// What to give as `after` for the next part of any listing; nil where this is the last.
  public var cursor: MemoryCursor?
}

/// A place in a listing, to go on from; it can be handed to a client and come back.
///
/// It holds the names of the memory that it stands behind, but can be read by nobody at a glance. A listing goes on behind it even
/// where that memory is gone.
public struct MemoryCursor: RawRepresentable, Codable, Hashable, Sendable {
  /// The cursor as text: letters, digits, `-` and `_`.
  public let rawValue: String

  /// A cursor from its text, which is checked where it is used.
  public init(rawValue: String) { self.rawValue = rawValue }
}
