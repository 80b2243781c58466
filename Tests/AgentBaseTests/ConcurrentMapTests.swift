// What several tasks make of an array's parts is what one makes of the whole.

import Testing

@testable import AgentBase

@Suite struct ConcurrentMapTests {
  @Test(arguments: [0, 1, 31, 64, 65, 127, 500, 1001])
  func order(_ count: Int) async {
    let values = await Array(0..<count).concurrentMap { $0 * 2 }
    #expect(values == (0..<count).map { $0 * 2 })
  }

  private struct Refusal: Error, Equatable { let number: Int }

  @Test("Of several elements that fail, the first is told")
  func firstError() async {
    await #expect(throws: Refusal(number: 300)) {
      try await Array(0..<1000).concurrentMap { number throws(Refusal) in
        if number % 300 == 0, number > 0 { throw Refusal(number: number) }
        return number
      }
    }
  }
}
