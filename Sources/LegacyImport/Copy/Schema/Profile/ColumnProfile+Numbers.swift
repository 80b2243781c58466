// Describing numbers: ranges, decimal places, times.

import AgentBase
import SQLite

extension ColumnProfile {
  /// Adds an INTEGER.
  mutating func add(integer: Int64) {
    integers += 1
    leastInteger = min(leastInteger, integer)
    greatestInteger = max(greatestInteger, integer)
    if numbersAreTimes { numbersAreTimes = Self.isExactTime(integer) }
  }

  /// Adds a REAL.
  mutating func add(real: Double) {
    reals += 1
    guard real.isFinite else {
      hasOddReals = true
      numbersAreTimes = false
      return
    }
    if real == 0, real.sign == .minus { hasOddReals = true }
    greatestReal = max(greatestReal, real.magnitude)
    raiseScale(for: real)
    if numbersAreTimes { numbersAreTimes = Self.isExactTime(real) }
  }

  /// The powers of ten that a Double holds exactly.
  private static let powers: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
  ]

  /// A decimal of at most 15 digits has one Double and comes back from it, so that the division proves the places.
  private mutating func raiseScale(for real: Double) {
    guard var scale = realScale else { return }
    while scale <= 15 {
      let shifted = (real * Self.powers[scale]).rounded()
      guard shifted.magnitude < 1e15 else { break }
      if shifted / Self.powers[scale] == real {
        realScale = scale
        return
      }
      scale += 1
    }
    realScale = nil
  }

  /// Whether a number is 0, or so many seconds, milliseconds, microseconds or nanoseconds since 1970 that it is a day since
  /// 1973; nanoseconds have to be whole microseconds.
  private static func isExactTime(_ integer: Int64) -> Bool {
    if integer == 0 { return true }
    guard integer >= 100_000_000, let time = LegacyTime().microseconds(of: .integer(integer)) else {
      return false
    }
    return integer == time / 1_000_000 || integer == time / 1000 || integer == time
      || (integer / 1000 == time && integer.isMultiple(of: 1000))
  }

  /// Whether a real number of seconds since 1970, a day since 1973, is exact in microseconds.
  private static func isExactTime(_ real: Double) -> Bool {
    guard real >= 1e8, real < 1e11 else { return false }
    return (real * 1e6).rounded() / 1e6 == real
  }
}
