// Waits that keep their thread, and learn how long answers take.

import Testing

@testable import Waiting

@Suite("Hybrid waits")
struct HybridWaitTests {
  @Test("An answer that is there at once is seen at once, each time")
  func atOnce() {
    var wait = HybridWait()
    for _ in 0..<100 {
      var looks = 0
      let came = wait.wait {
        looks += 1
        return true
      }
      #expect(came)
      #expect(looks == 1)
    }
    #expect(wait.usual == .zero)
  }

  @Test("The usual time follows what was noted, and never exceeds the limit")
  func usual() {
    var wait = HybridWait()
    wait.note(.microseconds(300))
    #expect(wait.usual == .microseconds(300))
    for _ in 0..<100 { wait.note(.microseconds(500)) }
    #expect(wait.usual > .microseconds(499) && wait.usual <= .microseconds(500))
    for _ in 0..<100 { wait.note(.seconds(5)) }
    #expect(wait.usual > .microseconds(999) && wait.usual <= HybridWait.limit)
  }

  @Test("What never comes is looked for less and less often, and given up where answers take long")
  func inVain() {
    var wait = HybridWait()
    var looked = 0
    for _ in 0..<2000 {
      var looks = false
      let came = wait.wait {
        looks = true
        return false
      }
      #expect(!came)
      if looks { looked += 1 }
      wait.note(.seconds(1))
    }
    #expect(looked > 0 && looked < 15)
  }

  @Test("An answer that comes later is seen by the look that begins shortly before its time")
  func late() {
    var wait = HybridWait()
    wait.note(.microseconds(400))
    var hits = 0
    // On a machine that is busy some come too late, and then some of the next are not looked for.
    for _ in 0..<20_000 where hits < 10 {
      let end = ContinuousClock.now + .microseconds(300)
      if wait.wait(for: { ContinuousClock.now >= end }) { hits += 1 } else { wait.note(.microseconds(400)) }
    }
    #expect(hits == 10)
  }
}
