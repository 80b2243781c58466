// Rows that come before their partners.

import Testing

@testable import LegacyImport

@Suite struct RowPairingTests {
  @Test func aRowWaitsOnce() {
    var pairing = RowPairing<Int>()
    pairing.hold(expected: [1], 7)
    #expect(pairing.takeActual(7) == nil)
    #expect(pairing.takeExpected(7) == [1])
    #expect(pairing.takeExpected(7) == nil)
    pairing.hold(actual: [2], 7)
    #expect(pairing.takeExpected(7) == nil)
    #expect(pairing.takeActual(7) == [2])
  }

  @Test func whatWaitsIsBounded() {
    var pairing = RowPairing<Int>()
    let row = [UInt8](repeating: 0, count: 1 << 20)
    for key in 0..<15 { pairing.hold(actual: row, key) }
    #expect(!pairing.isFull)
    pairing.hold(expected: row, 99)
    #expect(pairing.isFull)
    #expect(pairing.takeActual(3) != nil)
    #expect(!pairing.isFull)
  }
}
