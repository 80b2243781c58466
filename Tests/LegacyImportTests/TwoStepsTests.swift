// Two steps of a run side by side: order, and which error is told.

import Testing

@testable import LegacyImport

@Suite struct TwoStepsTests {
  private struct Fault: Error {
    let step: Int
  }

  @Test(arguments: [true, false])
  func theSecondTakesAllInOrder(atOnce: Bool) async throws {
    let taken = try await TwoSteps.run(atOnce: atOnce) { handOver in
      for item in 0..<100 { try handOver(item) }
    } second: { items in
      var taken: [Int] = []
      for await item in items { taken.append(item) }
      return taken
    }
    #expect(taken == Array(0..<100))
  }

  @Test(arguments: [true, false])
  func theErrorOfTheFirstEndsTheSecond(atOnce: Bool) async throws {
    let fault = await #expect(throws: Fault.self) {
      try await TwoSteps.run(atOnce: atOnce) { handOver in
        try handOver(1)
        throw Fault(step: 1)
      } second: { items in
        for await _ in items {}
      }
    }
    #expect(fault?.step == 1)
  }

  @Test(.timeLimit(.minutes(1)))
  func theErrorOfTheSecondEndsTheFirst() async throws {
    let fault = await #expect(throws: Fault.self) {
      try await TwoSteps.run(atOnce: true) { handOver in
        while true {
          try handOver(1)
          await Task.yield()
        }
      } second: { items in
        for await _ in items { throw Fault(step: 2) }
      }
    }
    #expect(fault?.step == 2)
  }
}
