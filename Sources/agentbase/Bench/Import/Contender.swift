// What is measured: our own ways, and the ways of others that users know.

/// One way to get the rows of a legacy file into Postgres, or to look after them.
enum Contender: String, Sendable, CaseIterable {
  case importing = "import"
  case again
  case againUnverified = "again_no_verify"
  case verifying = "verify"
  case importingUnverified = "import_no_verify"
  case dryRun = "dry_run"
  case copyIn = "psql_copy"
  case copy
  case duckDB = "duckdb"
  case pgloader

  /// What the others are set against: the limit that users know.
  static let reference = copyIn

  /// Those of one line work on one database, in this order.
  static let groups: [[Contender]] = [
    [.importing, .again, .againUnverified, .verifying], [.importingUnverified], [.dryRun], [.copyIn], [.copy],
    [.duckDB], [.pgloader],
  ]

  /// The name in reports and baselines.
  var name: String {
    switch self {
    case .importing: "import"
    case .again: "import again"
    case .againUnverified: "import again --no-verify"
    case .verifying: "verify"
    case .importingUnverified: "import --no-verify"
    case .dryRun: "import --dry-run"
    case .copyIn: "psql \\copy"
    case .copy: "copy"
    case .duckDB: "DuckDB + keys"
    case .pgloader: "pgloader"
    }
  }

  /// What is measured, in words.
  var about: String {
    switch self {
    case .importing: "ours end to end, every row compared afterwards"
    case .again: "the same again: nothing to load, every row compared"
    case .againUnverified: "the same again: nothing to load, nothing compared"
    case .verifying: "every row compared, nothing else"
    case .importingUnverified: "ours end to end, nothing compared"
    case .dryRun: "every row read and converted, nothing written"
    case .copyIn:
      "the rows that the import made, in binary, into the same tables with their keys, a table after the other"
    case .copy: "ours as tables of their own, with keys, every row compared"
    case .duckDB: "the same tables by DuckDB's extensions, and their primary keys"
    case .pgloader: "the same tables by pgloader, with batches of 25,000 rows"
    }
  }

  var isOurs: Bool {
    switch self {
    case .copyIn, .duckDB, .pgloader: false
    default: true
    }
  }

  /// Whether our tables are there before it begins; other programs make their own.
  var needsSchema: Bool {
    switch self {
    case .copy, .duckDB, .pgloader: false
    default: true
    }
  }
}
