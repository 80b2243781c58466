// Date and time functions of SQLite ("Date And Time Functions"): of UTC, as theirs are.

extension ExpressionTranslator {
  func current(_ word: String) throws(TranslationRefusal) -> TranslatedSQL {
    switch word {
    case "CURRENT_TIMESTAMP": .atom("CURRENT_TIMESTAMP", .timestamp)
    case "CURRENT_DATE": .atom("(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::date", .date)
    default: .atom("(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')::time(0)", .time)
    }
  }

  mutating func timeFunction(_ name: String, _ arguments: [SQLExpression]) throws(TranslationRefusal)
    -> TranslatedSQL?
  {
    switch name {
    case "datetime":
      let moment = try moment(arguments)
      // Of a column that holds fractions of seconds, SQLite shows none.
      return arguments.isEmpty || moment.isNow
        ? .atom(moment.sql, .timestamp) : .atom("date_trunc('second', \(moment.sql))", .timestamp)
    case "date":
      if arguments.count == 1, case let value = try translate(arguments[0]), value.type == .date {
        return value
      }
      return .atom("(\(try moment(arguments).sql) AT TIME ZONE 'UTC')::date", .date)
    case "time": return .atom("(\(try moment(arguments).sql) AT TIME ZONE 'UTC')::time(0)", .time)
    case "unixepoch":
      return .atom("floor(extract(epoch FROM \(try moment(arguments).sql)))::bigint", .integer)
    case "julianday":
      return .atom(
        "(extract(epoch FROM \(try moment(arguments).sql)) / 86400.0 + 2440587.5)::double precision", .double)
    case "strftime":
      guard case .string(let format)? = arguments.first else {
        throw TranslationRefusal("it calls strftime with a format that is not written out")
      }
      return try formatted(format, try moment(Array(arguments.dropFirst())).sql)
    default: return nil
    }
  }

  // MARK: A moment with its modifiers

  private mutating func moment(_ arguments: [SQLExpression]) throws(TranslationRefusal) -> (
    sql: String, isNow: Bool
  ) {
    var modifiers: [String] = []
    var intervals: [String] = []
    for argument in arguments.dropFirst() {
      if case .string(let modifier) = argument {
        modifiers.append(modifier.lowercased())
      } else {
        // A modifier that is put together can be a number of units alone, which an interval reads as well.
        depart("a time is moved by what another text says")
        intervals.append(try value(argument, as: .text).operand + "::interval")
      }
    }
    var (sql, isNow) = try start(arguments.first, modifiers.first)
    for interval in intervals {
      sql = "((\(sql) AT TIME ZONE 'UTC' + \(interval)) AT TIME ZONE 'UTC')"
    }
    for modifier in modifiers where !["unixepoch", "auto", "utc", "subsec", "subsecond"].contains(modifier) {
      sql = try Self.modified(sql, modifier)
    }
    return (sql, isNow)
  }

  private mutating func start(_ argument: SQLExpression?, _ modifier: String?) throws(TranslationRefusal) -> (
    sql: String, isNow: Bool
  ) {
    guard let argument else { return ("CURRENT_TIMESTAMP", true) }
    if case .string(let text) = argument, text.lowercased() == "now" { return ("CURRENT_TIMESTAMP", true) }
    if case .column(let name) = argument, name.isDoubleQuoted, name.name.lowercased() == "now",
      scope.find(name) == nil
    {
      return ("CURRENT_TIMESTAMP", true)
    }
    let value = try translate(argument)
    if value.type.isNumber {
      guard modifier == "unixepoch" || modifier == "auto" else {
        throw TranslationRefusal("it takes a Julian day for a time")
      }
      return ("to_timestamp(\(value.sql))", false)
    }
    return (try adapt(value, to: .timestamp).operand, false)
  }

  private static func modified(_ sql: String, _ modifier: String) throws(TranslationRefusal) -> String {
    if let unit = ["start of day": "day", "start of month": "month", "start of year": "year"][modifier] {
      return "(date_trunc('\(unit)', \(sql) AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')"
    }
    let words = modifier.split(separator: " ").map(String.init)
    let units: Set = ["second", "minute", "hour", "day", "month", "year"]
    guard words.count == 2, let number = Double(words[0]), number.isFinite,
      case let unit = words[1].hasSuffix("s") ? String(words[1].dropLast()) : words[1], units.contains(unit)
    else { throw TranslationRefusal("it calculates a time with '\(modifier)'") }
    // In UTC, where every day has 24 hours.
    return "((\(sql) AT TIME ZONE 'UTC' + interval '\(words[0]) \(unit)') AT TIME ZONE 'UTC')"
  }

  // MARK: strftime

  private static let patterns: [Character: String] = [
    "Y": "YYYY", "m": "MM", "d": "DD", "H": "HH24", "M": "MI", "S": "SS", "f": "SS.MS", "j": "DDD",
  ]

  private mutating func formatted(_ format: String, _ moment: String) throws(TranslationRefusal)
    -> TranslatedSQL
  {
    // to_char is not immutable.
    if isExact { depart("it shows a time as text, which Postgres does not in a generated column") }
    switch format {
    case "%s": return .atom("floor(extract(epoch FROM \(moment)))::bigint", .integer)
    case "%J":
      return .atom("(extract(epoch FROM \(moment)) / 86400.0 + 2440587.5)::double precision", .double)
    case "%w":
      return .atom("extract(dow FROM \(moment) AT TIME ZONE 'UTC')::bigint::text", .text)
    default:
      return .atom("to_char(\(moment) AT TIME ZONE 'UTC', '\(try Self.pattern(format))')", .text)
    }
  }

  /// A format of strftime as one of to_char.
  static func pattern(_ format: String) throws(TranslationRefusal) -> String {
    var result = ""
    var rest = Array(format)[...]
    while let character = rest.popFirst() {
      guard character == "%" else {
        // Letters would be patterns: they stand in double quotes.
        result += character.isLetter ? "\"\(character)\"" : character == "'" ? "''" : String(character)
        continue
      }
      guard let letter = rest.popFirst() else { break }
      if letter == "%" {
        result += "%"
      } else if let pattern = patterns[letter] {
        result += pattern
      } else {
        throw TranslationRefusal("it calls strftime with %\(letter)")
      }
    }
    return result
  }
}
