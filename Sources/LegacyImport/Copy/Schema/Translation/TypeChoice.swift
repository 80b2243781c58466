// Chooses the type of a column: the one that is declared, where every value fits it; else the best for the values there.

/// The type of a column, and what is to be said of it.
struct TypeChoice: Sendable, Hashable {
  var type: ColumnType
  /// What does not look in Postgres as it did in the source; nil where nothing does.
  var remark: String?

  /// Chooses for a column of this declared type with these values.
  ///
  /// The rule: a value comes back the same, or it is a reject with its name. A type that would change a value in silence is
  /// never chosen: more than microseconds stay text, a decimal that has more places than NUMERIC(p, s) stays whole, JSON in
  /// which a member comes twice is `json` and not `jsonb`. Where the storage classes are mixed, the column is text, in which
  /// numbers stand as they are written: that holds every value, can be read by people and queries, and is said in the report.
  /// Single texts that no text of Postgres holds (a NUL, bytes that are not UTF-8) and single blobs among texts are rejected
  /// with their bytes, as one of them must not turn a column of text into bytes that no query reads.
  ///
  /// - Parameter isFlag: whether a number there is known to be a truth value: by its name or its CHECK.
  init(_ declared: DeclaredType, _ profile: ColumnProfile, isFlag: Bool = false) {
    if let type = Self.fitting(declared, profile, isFlag: isFlag) {
      self.init(type: type, remark: Self.remark(on: type, profile) ?? Self.widening(declared, type))
      return
    }
    let type = Self.type(ofValues: profile, declared)
    self.init(
      type: type, remark: Self.remark(on: type, profile) ?? Self.misfit(declared, type))
  }

  init(type: ColumnType, remark: String? = nil) {
    self.type = type
    self.remark = remark
  }

  // MARK: The declared type

  /// The type that is meant, where every value fits.
  private static func fitting(_ declared: DeclaredType, _ profile: ColumnProfile, isFlag: Bool) -> ColumnType?
  {
    let hasOnlyNumbers = profile.texts == 0 && profile.blobs == 0
    let hasOnlyText =
      profile.integers == 0 && profile.reals == 0 && profile.blobs == 0 && profile.unstorableTexts == 0
    switch declared.family {
    case .boolean: return isBoolean(profile) ? .boolean : nil
    case .integer:
      // A flag with no row yet may become anything.
      if isFlag, profile.values > 0, profile.texts == 0, isBoolean(profile) { return .boolean }
      return hasOnlyNumbers && profile.reals == 0 ? .bigint : nil
    case .real: return isReal(profile) ? .double : nil
    case .numeric: return hasOnlyNumbers ? numeric(declared, profile) : nil
    case .text:
      guard hasOnlyText else { return nil }
      guard let length = declared.length, (1...10_485_760).contains(length),
        profile.longestText <= length
      else { return .text }
      return .varchar(length)
    case .blob: return profile.values == profile.blobs ? .bytea : nil
    case .json:
      guard hasOnlyText, profile.textsAreJSON else { return nil }
      return profile.textsFitJSONB ? .jsonb : .json
    case .uuid: return hasOnlyText && profile.textsAreUUIDs ? .uuid : nil
    case .date:
      if hasOnlyText, profile.textsAreDates { return .date }
      return isTimestamp(profile) ? .timestamp : nil
    case .timestamp: return isTimestamp(profile) ? .timestamp : nil
    case .time: return hasOnlyText && profile.textsAreTimes ? .time : nil
    case .none: return nil
    }
  }

  private static func isBoolean(_ profile: ColumnProfile) -> Bool {
    profile.reals == 0 && profile.blobs == 0 && profile.textsAreBooleans
      && (profile.integers == 0 || (profile.leastInteger >= 0 && profile.greatestInteger <= 1))
  }

  private static func isTimestamp(_ profile: ColumnProfile) -> Bool {
    profile.blobs == 0 && profile.textsAreTimestamps && profile.numbersAreTimes
  }

  /// Whether every number is a Double as it is.
  private static func isReal(_ profile: ColumnProfile) -> Bool {
    profile.blobs == 0 && profile.textsAreOddReals && integersAreExactReals(profile)
  }

  private static func integersAreExactReals(_ profile: ColumnProfile) -> Bool {
    let limit: Int64 = 1 << 53
    return profile.integers == 0 || (profile.leastInteger >= -limit && profile.greatestInteger <= limit)
  }

  private static func numeric(_ declared: DeclaredType, _ profile: ColumnProfile) -> ColumnType? {
    // numeric has neither -0.0 nor, before PostgreSQL 14, infinities.
    if profile.hasOddReals { return integersAreExactReals(profile) ? .double : nil }
    guard let precision = declared.length, (1...1000).contains(precision) else { return .anyNumeric }
    let scale = declared.scale ?? 0
    guard (0...precision).contains(scale), let places = profile.realScale, places <= scale else {
      return .anyNumeric
    }
    var limit = 1.0
    for _ in 0..<(precision - scale) { limit *= 10 }
    let greatest = max(
      profile.greatestReal,
      profile.integers == 0
        ? 0 : Double(max(profile.greatestInteger.magnitude, profile.leastInteger.magnitude)))
    return greatest < limit ? .numeric(precision: precision, scale: scale) : .anyNumeric
  }

  // MARK: The values alone

  private static func type(ofValues profile: ColumnProfile, _ declared: DeclaredType) -> ColumnType {
    if profile.values == 0 {
      switch declared.family {
      case .blob: return .bytea
      default: return .text
      }
    }
    if profile.blobs == 0 {
      if profile.texts == 0 {
        if profile.reals == 0 { return .bigint }
        if integersAreExactReals(profile) { return .double }
        return profile.hasOddReals ? .text : .anyNumeric
      }
      return profile.texts == profile.values && profile.unstorableTexts == profile.texts ? .bytea : .text
    }
    if profile.blobs == profile.values { return .bytea }
    // Texts beside blobs: their bytes, where blobs are meant; else the blobs are rejected.
    let hasOnlyBytes = profile.integers == 0 && profile.reals == 0
    return hasOnlyBytes && (declared.family == .blob || profile.blobs > profile.texts) ? .bytea : .text
  }

  // MARK: What is said

  private static func remark(on type: ColumnType, _ profile: ColumnProfile) -> String? {
    var remarks: [String] = []
    switch type {
    case .text, .varchar:
      let numbers = profile.integers + profile.reals
      if numbers > 0 {
        remarks.append(
          "it holds \(profile.texts) texts and \(numbers) numbers: it is text, with the numbers as they are written"
        )
      }
      if profile.unstorableTexts > 0 {
        remarks.append(
          "\(profile.unstorableTexts) texts with a NUL or with bytes that are not UTF-8 will be rejected: no text of Postgres holds them"
        )
      }
      if profile.blobs > 0 {
        remarks.append("it is text, so that \(profile.blobs) blobs among the others will be rejected")
      }
    case .bytea where profile.texts > 0:
      remarks.append("\(profile.texts) texts are held as the bytes that they have")
    case .json:
      remarks.append(
        "it is json and not jsonb, which would change some of its texts: members that come twice, escaped NULs, half surrogate pairs"
      )
    default: break
    }
    return remarks.isEmpty ? nil : remarks.joined(separator: "; ")
  }

  /// What is said where the values are of the declared kind, but beyond its length.
  private static func widening(_ declared: DeclaredType, _ type: ColumnType) -> String? {
    switch (declared.family, type) {
    case (.text, .text) where declared.length != nil: "some texts are longer than declared: it is text"
    case (.numeric, .anyNumeric) where declared.length != nil:
      "some numbers have more digits than declared: it is numeric"
    case (.numeric, .double): "some numbers are infinite or -0.0: it is double precision"
    case (.date, .timestamp): "some dates have a time of day: it is timestamp with time zone"
    default: nil
    }
  }

  /// What is said where the values do not fit the declared type.
  private static func misfit(_ declared: DeclaredType, _ type: ColumnType) -> String? {
    switch declared.family {
    case .none, .text: nil
    case .blob where type != .bytea, .boolean, .integer, .real, .numeric, .json, .uuid, .timestamp, .date,
      .time:
      "its values do not all fit the declared type: it is \(type.sql)"
    case .blob: nil
    }
  }
}
