// One large legacy file, for benchmarks and for tests of bounded memory.

import SQLite

extension DemoFleet {
  /// Makes one file with guide 1's `memory`, `metrics` and `execution_log`, a third of the rows each.
  ///
  /// - Parameters:
  ///   - path: the file, which must not be there.
  ///   - rows: how many rows all three tables have together.
  public static func makeLarge(_ path: String, rows: Int) throws {
    guard SQLiteFile.kind(path) == .missing else {
      throw SQLiteError(code: .cannotOpen, message: "there is a file already", path: path)
    }
    let connection = try SQLiteConnection(path: path)
    // The file is not worth keeping where the machine stops half-way.
    _ = try connection.query("PRAGMA journal_mode = OFF")
    _ = try connection.query("PRAGMA synchronous = OFF")
    try connection.transaction {
      try connection.executeScript(tables)
      let count = max(0, rows)
      for (place, insert) in [memory, metrics, executions].enumerated() {
        try connection.execute(insert, [.integer(Int64((count + 2 - place) / 3))])
      }
    }
  }

  private static let tables = """
    CREATE TABLE memory (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL, timestamp TEXT);
    CREATE TABLE metrics (
      id INTEGER PRIMARY KEY AUTOINCREMENT, metric_name TEXT, value REAL, unit TEXT, timestamp TEXT);
    CREATE TABLE execution_log (
      id INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT, status TEXT, result TEXT, started_at TEXT, duration_ms REAL);
    """

  /// The numbers from 1 to the bound parameter.
  private static let numbers =
    "WITH RECURSIVE n(i) AS (SELECT 1 WHERE ?1 > 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"

  private static let memory =
    numbers + """
       INSERT INTO memory SELECT i,
        printf('{"url": "https://shop.example/p/%d", "title": "Product number %d", "price": %.2f, "in_stock": %s}',
          i, i * 7919 % 1000003, i % 9973 / 7.0, CASE i % 3 WHEN 0 THEN 'false' ELSE 'true' END),
        datetime(1705314600 + i * 2, 'unixepoch') FROM n
      """

  private static let metrics =
    numbers + """
       INSERT INTO metrics SELECT i, CASE i % 3 WHEN 0 THEN 'latency' WHEN 1 THEN 'tokens' ELSE 'cost' END,
        i % 104729 / 97.0, CASE i % 3 WHEN 0 THEN 'ms' END, datetime(1705314600 + i, 'unixepoch') FROM n
      """

  private static let executions =
    numbers + """
       INSERT INTO execution_log SELECT i, CASE i % 2 WHEN 0 THEN 'crawl' ELSE 'summarise' END,
        CASE i % 50 WHEN 0 THEN 'failed' ELSE 'completed' END, printf('{"pages": %d}', i % 211),
        datetime(1705314600 + i * 3, 'unixepoch'), i % 60000 / 8.0 FROM n
      """
}
