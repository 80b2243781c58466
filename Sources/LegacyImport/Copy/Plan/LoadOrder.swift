// In which order tables are loaded: parents before children, and what to do where they refer to each other in a circle.

/// The order that foreign keys ask for.
struct LoadOrder: Sendable {
  /// The places of the tables, parents first.
  private(set) var order: [Int] = []
  /// The places of tables that refer to themselves, alone or in a circle with others: their rows may come before their parents.
  private(set) var circular: Set<Int> = []

  /// Orders tables; `parents` are the places of the tables that each of them refers to.
  ///
  /// Tarjan's algorithm: it answers circles whole, each after all that it refers to.
  init(parents: [[Int]]) {
    var search = Search(parents: parents)
    for place in parents.indices where search.index[place] == nil { search.visit(place) }
    order = search.order
    circular = search.circular
  }

  private struct Search {
    let parents: [[Int]]
    var index: [Int?]
    var lowest: [Int]
    var stack: [Int] = []
    var onStack: Set<Int> = []
    var count = 0
    var order: [Int] = []
    var circular: Set<Int> = []

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
      order += circle
      if circle.count > 1 || parents[place].contains(place) { circular.formUnion(circle) }
    }
  }
}
