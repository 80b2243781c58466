// Where a listing goes on: a place among records, never a count of them.

/// A place in a listing by time. It can be kept, sent to a client and come back; it stays right while others write.
public struct RecordCursor: RawRepresentable, Sendable, Hashable, Codable {
  /// The place as text; what it says is the library's own business.
  public let rawValue: String
  /// A place by its text.
  public init(rawValue: String) { self.rawValue = rawValue }
}

/// What a cursor says: the time of the last record that was listed, and what tells it from others of that time.
struct RecordPlace: Sendable, Hashable {
  /// Microseconds since 1970 UTC; nil for records without a time, which come last.
  var time: Int64?
  /// The rowid in a SQLite file, or of the legacy row that was imported.
  var row: Int64?
  /// The id in Postgres, the table in a SQLite file, or a tool's name.
  var tie: String
}

extension RecordCursor {
  init(_ place: RecordPlace) {
    rawValue = "\(place.time.map(String.init) ?? "")/\(place.row.map(String.init) ?? "")/\(place.tie)"
  }

  /// The place that it stands for.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidValue` where it is no cursor.
  func place() throws(AgentBaseError) -> RecordPlace {
    let parts = rawValue.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].isEmpty || Int64(parts[0]) != nil,
      parts[1].isEmpty || Int64(parts[1]) != nil
    else { throw Self.refusal }
    return RecordPlace(time: Int64(parts[0]), row: Int64(parts[1]), tie: String(parts[2]))
  }

  /// Says that it is none of this listing.
  static var refusal: AgentBaseError {
    AgentBaseError(
      .invalidValue, "the cursor is none of this listing",
      advice: "Give `next` of a page of the same listing on the same backend.")
  }
}

/// A record and its place in the listing.
struct Placed<Record: Sendable>: Sendable {
  var record: Record
  var place: RecordPlace
}

/// Which times are asked for.
struct RecordRange: Sendable, Hashable {
  /// The earliest, in microseconds since 1970 UTC; nil for any, records without a time included.
  var from: Int64?
  /// The first that is too late; nil for any, records without a time included.
  var to: Int64?

  /// Whether records without a time belong to it.
  var isWhole: Bool { from == nil && to == nil }

  /// Whether a record of this time belongs to it.
  func contains(_ time: Timestamp?) -> Bool {
    guard let time else { return isWhole }
    return from.map { time.microseconds >= $0 } ?? true && to.map { time.microseconds < $0 } ?? true
  }
}
