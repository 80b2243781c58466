// Places in listings, as text that can be handed to a client.

import Foundation

/// A place in a listing, to go on from; it can be handed to a client and come back.
///
/// It holds the names of the memory that it stands behind, readable to nobody at a glance, and no value. A listing goes on
/// behind it even where that memory is gone.
public struct MemoryCursor: RawRepresentable, Codable, Hashable, Sendable {
  /// The cursor as text: letters, digits, `-` and `_`.
  public let rawValue: String

  /// A cursor from its text, which is checked where it is used.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// A cursor of some fields, none of which holds a NUL.
  init(_ kind: Kind, _ fields: [String]) {
    let text = ([kind.rawValue] + fields).joined(separator: "\0")
    rawValue = Data(text.utf8).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// What a cursor is a place of.
  enum Kind: String {
    case listing = "l"
    case search = "s"
    case history = "h"
  }

  /// The fields.
  ///
  /// - Parameter count: how many there have to be; nil for any number.
  /// - Throws: `AgentBaseError` of the code `invalidValue` where it is no cursor of this kind.
  func fields(_ kind: Kind, count: Int?) throws(AgentBaseError) -> [String] {
    let base64 = rawValue.replacing("-", with: "+").replacing("_", with: "/")
    let padding = String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    let fields = Data(base64Encoded: base64 + padding)
      .flatMap { String(validating: $0, as: UTF8.self) }?
      .split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
    guard let fields, fields.first == kind.rawValue, count.map({ fields.count == $0 + 1 }) ?? true else {
      throw Self.isForeign
    }
    return Array(fields.dropFirst())
  }

  static var isForeign: AgentBaseError {
    AgentBaseError(
      .invalidValue, "the cursor is none of such a listing",
      advice: "Give the cursor of the page before, of the same verb.")
  }
}

// MARK: - Listings

extension MemoryCursor {
  /// The place behind a name.
  init(behind name: MemoryName) { self.init(.listing, [name.namespace, name.key]) }

  /// The name that it stands behind.
  func name() throws(AgentBaseError) -> MemoryName {
    let fields = try fields(.listing, count: 2)
    return MemoryName(namespace: fields[0], key: fields[1])
  }

  /// The place behind what a search found.
  init(behind place: SearchPlace) {
    self.init(.search, [place.time.map { String($0) } ?? "", place.name.namespace, place.name.key])
  }

  /// The place where a search goes on.
  func searchPlace() throws(AgentBaseError) -> SearchPlace {
    let fields = try fields(.search, count: 3)
    let time = Int64(fields[0])
    guard time != nil || fields[0].isEmpty else { throw Self.isForeign }
    return SearchPlace(time: time, name: MemoryName(namespace: fields[1], key: fields[2]))
  }
}

/// A place in what a search finds: by time, the newest first, and by name.
struct SearchPlace: Sendable, Comparable {
  /// Microseconds since 1970 UTC; nil for rows without a time, which come last.
  var time: Int64?
  var name: MemoryName

  static func < (left: SearchPlace, right: SearchPlace) -> Bool {
    guard left.time != right.time else { return left.name < right.name }
    guard let rightTime = right.time else { return true }
    return left.time.map { $0 > rightTime } ?? false
  }
}
