/// A place in a listing, to go on from; it can be handed to a client and come back.
public struct MemoryCursor: RawRepresentable, Codable, Hashable, Sendable {
  /// The cursor as text: letters, digits, `-` and `_`.
  public let rawValue: String

  /// A cursor from its text, which is checked where it is used.
  public init(rawValue: String) { self.rawValue = rawValue }
}
