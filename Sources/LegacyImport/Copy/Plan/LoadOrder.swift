// In which order tables are loaded: parents before children, and what to do where they refer to each other in a circle.

/// The order that foreign keys ask for.
struct LoadOrder: Sendable {
  /// Tables that are loaded one after the other before the next group begins.
  struct Group: Sendable, Equatable {
    /// Their places.
    let tables: [Int]
    /// Whether they refer to each other in a circle, or one to itself: a row may come before its parent.
    let isCircular: Bool
  }

  /// The tables, parents first.
  let groups: [Group]

  /// Orders tables; `parents` are the places of the tables that each of them refers to.
  ///
  /// Tarjan's algorithm: it answers circles whole, each after all that it refers to.
  init(parents: [[Int]]) {
    var search = Search(parents: parents)
    for place in parents.indices where search.index[place] == nil { search.visit(place) }
    groups = search.groups
  }

  private struct Search {
    let parents: [[Int]]
    var index: [Int?]
    var lowest: [Int]
    var stack: [Int] = []
    var onStack: Set<Int> = []
    var count = 0
    var groups: [Group] = []

    init(parents: [[Int]]) {
      self.parents = parents
      index = Array(repeating: nil, count: parents.count)
      lowest = Array(repeating: 0, count: parents.count)
    }

    mutating func visit(_ place: Int) {
      index[place] = count
      lowest[place] = count
      count += 1
      stack.append(place)
      onStack.insert(place)
      for parent in parents[place] {
        if let known = index[parent] {
          if onStack.contains(parent) { lowest[place] = min(lowest[place], known) }
        } else {
          visit(parent)
          lowest[place] = min(lowest[place], lowest[parent])
        }
      }
      guard lowest[place] == index[place], let start = stack.lastIndex(of: place) else { return }
      let circle = stack[start...].sorted()
      stack.removeSubrange(start...)
      onStack.subtract(circle)
      groups.append(
        Group(tables: circle, isCircular: circle.count > 1 || parents[place].contains(place)))
    }
  }
}
