// What `agentbase bench search` measures, and what each is set against.

/// One way to search.
enum SearchContender: String, Sendable, CaseIterable {
  case rawNear = "pgbench near"
  case near = "near"
  case rawFiltered = "pgbench near, 1 %"
  case filtered = "near, 1 %"
  case rawWords = "pgbench words"
  case words = "words"
  case hybrid = "hybrid"
  case sqliteNear = "SQLite near"
  case sqliteWords = "SQLite words"

  /// The name in reports and baselines.
  var name: String { rawValue }

  var about: String {
    switch self {
    case .rawNear:
      "the ten nearest by the same index, a plain query by pgbench -M prepared over one connection"
    case .near: "searchMemories(near:), ten of all"
    case .rawFiltered: "the same of the hundredth part that metadata tells"
    case .filtered: "searchMemories(near:where:), ten of a hundredth part"
    case .rawWords: "the ten best of ts_rank by the same index, a plain query by pgbench -M prepared"
    case .words: "searchMemories(matching:) of two words, ten of all"
    case .hybrid: "searchMemories(hybrid:near:), ten of both lists, 200 deep"
    case .sqliteNear: "searchMemories(near:) on a SQLite file, which compares each vector"
    case .sqliteWords: "searchMemories(matching:) on a SQLite file"
    }
  }

  var isOurs: Bool { ![.rawNear, .rawFiltered, .rawWords].contains(self) }

  /// What it is set against, and the speed that it has to reach.
  private var measure: (reference: SearchContender, goal: Double?)? {
    switch self {
    case .near: (.rawNear, 0.9)
    case .filtered: (.rawFiltered, nil)
    case .words: (.rawWords, nil)
    case .rawNear, .rawFiltered, .rawWords, .hybrid, .sqliteNear, .sqliteWords: nil
    }
  }

  var reference: SearchContender? { measure?.reference }
  var goal: Double? { measure?.goal }
}
