// What is worth trying only where it has worked of late.

/// Something that is left out for a while where it was of no use: for twice as many calls each time.
package struct Attempt: Sendable {
  private var misses = 0
  private var skips = 0

  /// One that is made at first.
  package init() {}

  /// Whether this call is to try it.
  package mutating func begins() -> Bool {
    guard skips > 0 else { return true }
    skips -= 1
    return false
  }

  /// Notes what came of it.
  package mutating func ended(wasOfUse: Bool) {
    misses = wasOfUse ? 0 : min(misses + 1, 10)
    skips = wasOfUse ? 0 : 1 << misses
  }
}
