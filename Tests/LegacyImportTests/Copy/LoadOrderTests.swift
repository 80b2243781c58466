// Parents before children, circles whole.

import TestSupport
import Testing

@testable import LegacyImport

@Suite struct LoadOrderTests {
  private func groups(_ parents: [[Int]]) -> [LoadOrder.Group] { LoadOrder(parents: parents).groups }

  @Test func parentsComeFirst() {
    #expect(groups([[1], [2], []]).map(\.tables) == [[2], [1], [0]])
    #expect(groups([[1], [2], []]).allSatisfy { !$0.isCircular })
  }

  @Test func tablesWithoutParentsKeepTheirOrder() {
    #expect(groups([[], [], []]).map(\.tables) == [[0], [1], [2]])
  }

  @Test func aTableThatRefersToItselfIsCircular() {
    #expect(groups([[0]]) == [.init(tables: [0], isCircular: true)])
  }

  @Test func aCircleIsOneGroupAfterWhatItRefersToAndBeforeWhatRefersToIt() {
    // 0 refers to the circle of 1 and 2, which refers to 3.
    let groups = groups([[1], [2], [1, 3], []])
    #expect(groups.map(\.tables) == [[3], [1, 2], [0]])
    #expect(groups.map(\.isCircular) == [false, true, false])
  }

  @Test func inAnyGraphEachTableComesOnceAndAfterItsParents() {
    let seed = SeededGenerator.seed(for: "inAnyGraphEachTableComesOnceAndAfterItsParents")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<500 {
      let count = Int.random(in: 1...12, using: &random)
      let parents = (0..<count).map { _ in
        (0..<Int.random(in: 0...3, using: &random)).map { _ in Int.random(in: 0..<count, using: &random) }
      }
      let groups = groups(parents)
      #expect(groups.flatMap(\.tables).sorted() == Array(0..<count), "seed \(seed)")
      var done: Set<Int> = []
      for group in groups {
        for table in group.tables {
          for parent in parents[table] {
            #expect(done.contains(parent) || group.tables.contains(parent), "seed \(seed)")
          }
        }
        done.formUnion(group.tables)
      }
    }
  }
}
