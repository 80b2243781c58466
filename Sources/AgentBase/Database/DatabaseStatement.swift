// One SQL text for both backends, and apart from it the values.

import Foundation
import Postgres

/// SQL text with its values.
///
///     let statement: DatabaseStatement = "SELECT * FROM users WHERE active = \(true) AND id IN (\(list: ids))"
///
/// An interpolated value is bound, never text, so that no value can be read as SQL. How a placeholder is written is the
/// backend's business; the SQL itself has to be what both understand, where both are to run it. A type can be said with
/// `CAST(\(number) AS integer)`.
public struct DatabaseStatement: Sendable, Hashable {
  /// The text around the values: one piece more than there are values.
  private var pieces = [""]
  private(set) var values: [DatabaseValue] = []
  /// What is wrong with it, told when it is run: an interpolation cannot throw.
  private var fault: String?

  /// The text for Postgres: `$1`, `$2` …
  var postgresText: String {
    var text = pieces[0]
    for (place, piece) in pieces.dropFirst().enumerated() { text += "$\(place + 1)" + piece }
    return text
  }

  /// The text for SQLite: `?`.
  var sqliteText: String { pieces.joined(separator: "?") }

  /// Checks what the interpolations could not refuse.
  ///
  /// - Throws: `AgentBaseError` of the code `invalidValue`.
  func check() throws(AgentBaseError) {
    if let fault { throw AgentBaseError(.invalidValue, fault) }
    for (place, value) in values.enumerated() {
      switch value {
      case .text(let text) where text.utf8.contains(0):
        throw AgentBaseError(
          .invalidValue, "value \(place + 1) holds a NUL character, which Postgres cannot store",
          advice: "Leave it out, or store the bytes as Data.")
      case .date(let date) where Timestamp(date) == nil:
        throw AgentBaseError(.invalidValue, "value \(place + 1) is a time outside of the years 1 to 9999")
      case .json(let json): try JSONLimits.check(json)
      default: break
      }
    }
  }
}

extension DatabaseStatement: ExpressibleByStringInterpolation {
  /// Collects the text and the values of an interpolated literal.
  public struct StringInterpolation: StringInterpolationProtocol, Sendable {
    fileprivate var statement: DatabaseStatement = ""

    /// Makes room.
    public init(literalCapacity: Int, interpolationCount: Int) {
      statement.pieces.reserveCapacity(interpolationCount + 1)
      statement.values.reserveCapacity(interpolationCount)
    }

    /// Appends SQL text of the program itself.
    public mutating func appendLiteral(_ literal: String) { statement.append(literal) }

    /// Binds a value, or NULL.
    public mutating func appendInterpolation(_ value: some DatabaseEncodable) {
      statement.bind(value.databaseValue)
    }

    /// Binds the raw value of an enum or the like.
    public mutating func appendInterpolation<Value: RawRepresentable>(_ value: Value)
    where Value.RawValue: DatabaseEncodable {
      statement.bind(value.rawValue.databaseValue)
    }

    /// Binds each value of a list, with commas between them: `id IN (\(list: ids))`. An empty list is refused when the
    /// statement is run, for SQL has none.
    public mutating func appendInterpolation(list values: some Sequence<some DatabaseEncodable>) {
      var isEmpty = true
      for value in values {
        if !isEmpty { statement.append(", ") }
        statement.bind(value.databaseValue)
        isEmpty = false
      }
      if isEmpty { statement.fault = "the list of an IN is empty: leave the condition out, or do not ask" }
    }

    /// Quotes the name of a table, a column or another object.
    public mutating func appendInterpolation(identifier: String) {
      statement.append(PostgresIdentifier.quoted(identifier))
    }

    /// Puts in another statement, with its values.
    public mutating func appendInterpolation(_ other: DatabaseStatement) { statement.append(other) }

    /// Puts in SQL text as it is: only for text that the program itself has made.
    public mutating func appendInterpolation(unsafeSQL text: String) { statement.append(text) }
  }

  /// A statement without values.
  public init(stringLiteral value: String) { pieces = [value] }

  /// A statement with the values that were interpolated.
  public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.statement }

  private mutating func append(_ text: String) { pieces[pieces.count - 1] += text }

  private mutating func append(_ other: DatabaseStatement) {
    append(other.pieces[0])
    pieces += other.pieces.dropFirst()
    values += other.values
    fault = fault ?? other.fault
  }

  private mutating func bind(_ value: DatabaseValue) {
    values.append(value)
    pieces.append("")
  }
}
