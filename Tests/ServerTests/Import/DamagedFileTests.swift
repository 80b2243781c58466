// Files with flipped bits and without their ends: a clear error or a full account, never a silent loss.

import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

@Suite struct DamagedFileTests {
  @Test(.timeLimit(.minutes(60)))
  func flippedAndTruncatedFiles() async throws {
    let seed = SeededGenerator.seed(for: "flippedAndTruncatedFiles")
    var random = SeededGenerator(seed: seed)
    for round in 0..<(runsLongTests ? 40 : 2) {
      let scene = try await SourceScene()
      try scene.write(
        "sound/x.db", "CREATE TABLE memory (content TEXT); INSERT INTO memory VALUES ('a'), ('b')")
      let sound = try makeSound(scene)
      let rows = try rowCounts(scene.root + "/workshop.db")
      try FileManager.default.removeItem(atPath: scene.root + "/workshop.db")
      for file in 0..<100 {
        var bytes = sound
        if random.chance(0.2) {
          bytes.removeLast(Int.random(in: 1..<bytes.count - 100, using: &random))
        } else {
          for _ in 0..<random.one(of: [1, 1, 3, 20]) {
            // The first page of all, the header and the schema, is hit more often than its share.
            let end = random.chance(0.2) ? 512 : bytes.count
            bytes[Int.random(in: 0..<end, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
          }
        }
        try Data(bytes).write(to: URL(filePath: try scene.path("a\(file)/x.db")))
      }
      try await check(scene, rows: rows, "seed \(seed), round \(round)")
    }
  }

  private func check(_ scene: SourceScene, rows: [String: Int], _ comment: Comment) async throws {
    let report = try await scene.importAll()
    #expect(report.exitCode == 1, comment)
    let failed = Set(report.agents.filter { !$0.errors.isEmpty }.map(\.id))
    for agent in report.agents {
      for error in agent.errors {
        #expect(error.contains("\(agent.id)/x.db"), "\(error)")
        #expect(error.split(separator: "\n").count <= 2, "\(error)")
      }
      // What was not refused has as many rows as it ever had, unless its very name was hit.
      guard !failed.contains(agent.id), agent.id != "sound" else { continue }
      for table in agent.tables {
        #expect(table.read == table.loaded + table.alreadyThere + table.rejected, comment)
        if let expected = rows[table.table] {
          #expect(table.read == expected, "\(table.file), \(table.table), \(comment)")
        }
      }
    }
    #expect(report.unreadable.allSatisfy { !$0.reason.isEmpty })
    #expect(report.agents.first { $0.id == "sound" }?.tables.first?.loaded == 2, comment)
    let differences = report.verification?.differences.map(\.description) ?? []
    #expect(differences.isEmpty, comment)
    // Many of the flips hit what SQLite notices, many hit values, which nobody can.
    #expect(
      failed.count > 10 && failed.count < report.agents.count - 10,
      "\(failed.count) of \(report.agents.count)")
  }

  /// The bytes of a file of several tables on small pages.
  private func makeSound(_ scene: SourceScene) throws -> [UInt8] {
    let connection = try scene.open("workshop.db")
    try connection.executeScript(
      """
      PRAGMA page_size = 512;
      CREATE TABLE memory (id INTEGER PRIMARY KEY, content TEXT, timestamp TEXT);
      CREATE TABLE tools (name TEXT PRIMARY KEY, config TEXT) WITHOUT ROWID;
      CREATE TABLE metrics (metric_name TEXT, value REAL);
      CREATE INDEX by_name ON metrics (metric_name);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120)
        INSERT INTO memory SELECT i, printf('content %.*c', i * 7 % 900, 'x'), '2024-01-15 10:30:00' FROM n;
      INSERT INTO tools SELECT 'tool' || id, content FROM memory WHERE id <= 40;
      INSERT INTO metrics SELECT 'm' || id, id FROM memory;
      """)
    return FileManager.default.contents(atPath: scene.root + "/workshop.db").map { [UInt8]($0) } ?? []
  }

  private func rowCounts(_ path: String) throws -> [String: Int] {
    let connection = try SQLiteConnection(path: path, access: .readOnly)
    var counts: [String: Int] = [:]
    for table in ["memory", "tools", "metrics"] {
      counts[table] = try connection.queryOne("SELECT count(*) FROM \(table)").flatMap { $0[0].int64 }.map {
        Int($0)
      }
    }
    return counts
  }
}
