// What a run holds in memory, whatever the size of the file.

import DemoFleet
import Foundation
import SQLite
import TestSupport
import Testing

@Suite(.serialized) struct BoundedMemoryTests {
  /// The most that a run may hold at any moment, in megabytes.
  private static let most = 100
  private static let rows = runsLongTests ? 3_000_000 : 45_000

  @Test(.timeLimit(.minutes(60)))
  func manyRows() async throws {
    try await expectBounded { path in try DemoFleet.makeLarge(path, rows: Self.rows) }
  }

  @Test(.timeLimit(.minutes(60)))
  func largeValues() async throws {
    // Half a gigabyte in the long form, in values of 1 to 60 KB.
    let rows = Self.rows / (runsLongTests ? 150 : 20)
    try await expectBounded { path in
      try SQLiteConnection(path: path).executeScript(
        """
        CREATE TABLE memory (id INTEGER PRIMARY KEY, key TEXT, value TEXT, data BLOB);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows))
          INSERT INTO memory SELECT i, 'key ' || i, printf('%.*c', 1 + i % 30 * 1000, 'v'), zeroblob(i % 30 * 1000) FROM n;
        """)
    }
  }

  @Test(.timeLimit(.minutes(60)))
  func noRowIDs() async throws {
    // Rows that Postgres and SQLite keep in different orders, and a quarter that Postgres cannot hold.
    try await expectBounded(exitCode: 3) { path in
      try SQLiteConnection(path: path).executeScript(
        """
        CREATE TABLE memory (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(Self.rows / 3))
          INSERT INTO memory SELECT 'key ' || (i * 7919 % 1000003) || '/' || i, printf('%.*c', i % 200, 'v') FROM n;
        INSERT INTO memory SELECT key || printf('%.3000c', 'k'), value FROM memory WHERE length(value) < 5;
        """)
    }
  }

  /// Imports and verifies a file, and looks at the most that each run has held.
  private func expectBounded(
    exitCode: Int32 = 0, location: SourceLocation = #_sourceLocation, _ make: (String) throws -> Void
  ) async throws {
    let folder = try TemporaryFolder("memory")
    try make(folder.file("agents/a/x.db"))
    let url = try await TestServer.freshDatabase()
    let runs =
      runsLongTests
      ? [
        ["import", "--dry-run"], ["import"], ["import"], ["import", "--on-conflict", "update"], ["verify"],
      ]
      : [["import"], ["verify"]]
    for words in runs {
      let command = try RunningCommand(
        words + ["--agents-path", "agents", "--postgres-url", url, "--quiet"], in: folder.path)
      let peak = await command.peakMegabytes()
      let ended = await command.ended()
      let expected = words == ["verify"] ? 0 : exitCode
      #expect(ended.exitCode == expected, "\(words): \(ended.errors)", sourceLocation: location)
      #expect((5...Self.most).contains(peak), "\(words): \(peak) MB", sourceLocation: location)
      if runsLongTests { print("\(words.joined(separator: " ")): \(peak) MB") }
    }
  }
}

extension RunningCommand {
  /// Waits for the end, and answers the most memory that the process held at once, as the kernel counts it.
  ///
  /// It looks from a thread of its own: those of the tests may be busy for as long as the process lives.
  fileprivate func peakMegabytes() async -> Int {
    let status = "/proc/\(processIdentifier)/status"
    return await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var peak = 0
        // A high-water mark: only what comes after the last look is missed. A process that has ended has none.
        while let text = try? String(contentsOfFile: status, encoding: .utf8),
          let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        {
          peak = max(peak, (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1024)
          Thread.sleep(forTimeInterval: 0.005)
        }
        continuation.resume(returning: peak)
      }
    }
  }
}
