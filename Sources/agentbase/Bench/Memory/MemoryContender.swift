// What `agentbase bench memory` measures, and what each is set against.

/// One way to read or store memories.
enum MemoryContender: String, Sendable, CaseIterable {
  case rawRead = "pgbench read, 1 client"
  case driverRead = "driver read, 1 caller"
  case read = "read, 1 caller"
  case rawStore = "pgbench store, 1 client"
  case store = "store, 1 caller"
  case rawReads = "pgbench read, 8 clients"
  case reads = "read, 1000 tasks"
  case rawStores = "pgbench store, 8 clients"
  case stores = "store, 1000 tasks"
  case rawBatches = "COPY, 500 rows"
  case batches = "store, batches of 500"

  /// The name in reports and baselines.
  var name: String { rawValue }

  var about: String {
    switch self {
    case .rawRead: "the library's statement by pgbench -M prepared, over one connection"
    case .driverRead: "the same by this package's driver, over its pool"
    case .read: "retrieveMemory of random keys, decoded, one after the other"
    case .rawStore: "the library's statement by pgbench -M prepared, over one connection"
    case .store: "storeMemory over random keys, one after the other"
    case .rawReads: "as with one client, over eight connections"
    case .reads: "retrieveMemory by 1,000 tasks at once, over a pool of eight connections"
    case .rawStores: "as with one client, over eight connections"
    case .stores: "storeMemory by 1,000 tasks at once, over a pool of eight connections"
    case .rawBatches:
      "binary COPY of the very rows that such a batch makes, over one connection; a call is a row"
    case .batches: "storeMemories of 500 new keys, batch after batch; a call is a row"
    }
  }

  var isOurs: Bool { reference != nil }

  /// What it is set against, and the speed that it has to reach.
  private var measure: (reference: MemoryContender, goal: Double?)? {
    switch self {
    case .rawRead, .rawStore, .rawReads, .rawStores, .rawBatches: nil
    case .driverRead: (.rawRead, nil)
    case .read: (.rawRead, 0.9)
    case .store: (.rawStore, 0.9)
    case .reads: (.rawReads, 3)
    case .stores: (.rawStores, 10)
    case .batches: (.rawBatches, 0.8)
    }
  }

  var reference: MemoryContender? { measure?.reference }
  var goal: Double? { measure?.goal }
}
