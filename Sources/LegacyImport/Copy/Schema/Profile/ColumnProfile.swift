// What the values of a column are, as one scan of its table tells.

/// The values of a column, counted and described. An empty column has every property that speaks of all values.
struct ColumnProfile: Sendable, Hashable {
  /// How many values of each storage class there are.
  var nulls = 0
  var integers = 0
  var reals = 0
  var texts = 0
  var blobs = 0

  // MARK: Numbers

  /// The least and the greatest INTEGER; meaningless where there is none.
  var leastInteger = Int64.max
  var greatestInteger = Int64.min
  /// The decimal places that hold every REAL exactly, up to 15 digits in all; nil where some need more.
  var realScale: Int? = 0
  /// The greatest magnitude of a REAL.
  var greatestReal = 0.0
  /// Whether some REAL is infinite, or is -0.0: numeric holds neither as it is.
  var hasOddReals = false
  /// Whether every number is a time that comes back from microseconds as it was, and is none by accident: 0, or a day since 1973.
  var numbersAreTimes = true

  // MARK: Text

  /// How many TEXT values hold a NUL, or are not UTF-8: no text of Postgres holds them.
  var unstorableTexts = 0
  /// The characters of the longest text.
  var longestText = 0
  /// Whether each text is `true` or `false`, in any case of letters.
  var textsAreBooleans = true
  /// Whether each text is `NaN` or an infinity.
  var textsAreOddReals = true
  /// Whether each text is `YYYY-MM-DD`, a day of the calendar.
  var textsAreDates = true
  /// Whether each text is a date, or a date with a time of at most microseconds, that `LegacyTime` reads.
  var textsAreTimestamps = true
  /// Whether each text is `HH:MM` or `HH:MM:SS`, with at most microseconds.
  var textsAreTimes = true
  /// Whether each text is a UUID, hyphenated.
  var textsAreUUIDs = true
  /// Whether each text is JSON (RFC 8259); known only where the column is declared so.
  var textsAreJSON = true
  /// Whether each text comes back from `jsonb` with the same members and numbers.
  var textsFitJSONB = true

  /// All values but NULL.
  var values: Int { integers + reals + texts + blobs }

  /// The profile of both columns' values together.
  func merged(with other: ColumnProfile) -> ColumnProfile {
    var merged = self
    merged.nulls += other.nulls
    merged.integers += other.integers
    merged.reals += other.reals
    merged.texts += other.texts
    merged.blobs += other.blobs
    merged.leastInteger = min(leastInteger, other.leastInteger)
    merged.greatestInteger = max(greatestInteger, other.greatestInteger)
    merged.realScale = realScale.flatMap { scale in other.realScale.map { max(scale, $0) } }
    merged.greatestReal = max(greatestReal, other.greatestReal)
    merged.hasOddReals = hasOddReals || other.hasOddReals
    merged.numbersAreTimes = numbersAreTimes && other.numbersAreTimes
    merged.unstorableTexts += other.unstorableTexts
    merged.longestText = max(longestText, other.longestText)
    merged.textsAreBooleans = textsAreBooleans && other.textsAreBooleans
    merged.textsAreOddReals = textsAreOddReals && other.textsAreOddReals
    merged.textsAreDates = textsAreDates && other.textsAreDates
    merged.textsAreTimestamps = textsAreTimestamps && other.textsAreTimestamps
    merged.textsAreTimes = textsAreTimes && other.textsAreTimes
    merged.textsAreUUIDs = textsAreUUIDs && other.textsAreUUIDs
    merged.textsAreJSON = textsAreJSON && other.textsAreJSON
    merged.textsFitJSONB = textsFitJSONB && other.textsFitJSONB
    return merged
  }
}
