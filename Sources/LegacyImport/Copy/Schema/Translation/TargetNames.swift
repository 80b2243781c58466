// Names in Postgres: as the source has them, cut where they are too long, each once.

/// Gives names in a namespace of Postgres.
struct TargetNames: Sendable {
  /// The longest name, in bytes (NAMEDATALEN less one).
  static let longest = 63

  private var taken: Set<String>

  /// - Parameter taken: the names that are given already.
  init(taken: Set<String> = []) { self.taken = taken }

  /// The name itself where it is free and short enough; else the nearest to it that is.
  mutating func give(_ name: String) -> String {
    let cut = Self.cut(name)
    var candidate = cut
    var number = 1
    while taken.contains(candidate) {
      number += 1
      let suffix = "_\(number)"
      candidate = Self.cut(cut, to: Self.longest - suffix.utf8.count) + suffix
    }
    taken.insert(candidate)
    return candidate
  }

  /// A name made of others, such as that of a constraint, each part cut where the whole is too long.
  mutating func give(_ parts: [String], suffix: String) -> String {
    let whole = parts.joined(separator: "_") + "_" + suffix
    guard whole.utf8.count > Self.longest else { return give(whole) }
    return give(
      Self.cut(parts.joined(separator: "_"), to: Self.longest - suffix.utf8.count - 1) + "_" + suffix)
  }

  /// The beginning of a name that Postgres can hold, in whole characters; never empty, and without a NUL.
  static func cut(_ name: String, to length: Int = longest) -> String {
    let name = name.utf8.contains(0) ? name.replacing("\0", with: "") : name
    if name.isEmpty { return "_" }
    guard name.utf8.count > length else { return name }
    var cut = ""
    var count = 0
    for scalar in name.unicodeScalars {
      count += UTF8.width(scalar)
      if count > length { break }
      cut.unicodeScalars.append(scalar)
    }
    return cut
  }
}
