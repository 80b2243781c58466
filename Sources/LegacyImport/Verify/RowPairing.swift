// Rows of two streams that wait for their partners. Pure.

/// Pairs the rows of two streams that are nearly in the same order, by their keys: a row that comes before its partner waits.
struct RowPairing<Key: Hashable> {
  /// The most bytes that wait; then the streams have too different an order, and another way has to be found.
  static var limit: Int { 16 << 20 }

  private(set) var expected: [Key: [UInt8]] = [:]
  private(set) var actual: [Key: [UInt8]] = [:]
  private var bytes = 0

  /// Whether more waits than should.
  var isFull: Bool { bytes > Self.limit }

  /// Lets a row of the source wait.
  mutating func hold(expected row: [UInt8], _ key: Key) {
    bytes += row.count + Self.overhead
    expected[key] = row
  }

  /// Lets a row of the target wait.
  mutating func hold(actual row: [UInt8], _ key: Key) {
    bytes += row.count + Self.overhead
    actual[key] = row
  }

  /// The row of the source that waits under a key; it waits no longer.
  mutating func takeExpected(_ key: Key) -> [UInt8]? { take(key, from: \.expected) }

  /// The row of the target that waits under a key; it waits no longer.
  mutating func takeActual(_ key: Key) -> [UInt8]? { take(key, from: \.actual) }

  private mutating func take(_ key: Key, from side: WritableKeyPath<Self, [Key: [UInt8]]>) -> [UInt8]? {
    guard !self[keyPath: side].isEmpty, let row = self[keyPath: side].removeValue(forKey: key) else {
      return nil
    }
    bytes -= row.count + Self.overhead
    return row
  }

  /// About what a waiting row costs beside its bytes.
  private static var overhead: Int { 100 }
}
