// The fleet is what it says it is: tests of the importer count on it.

import AgentBase
import DemoFleet
import Foundation
import SQLite
import TestSupport
import Testing

@Suite struct DemoFleetTests {
  let folder: TemporaryFolder
  let files: [DemoFile]

  init() throws {
    folder = try TemporaryFolder("fleet")
    files = try DemoFleet.make(in: folder.path)
  }

  private func file(_ agent: String) throws -> DemoFile { try #require(files.first { $0.agent == agent }) }

  @Test func isTheSameEveryTime() throws {
    #expect(
      files.map { "\($0.relativePath) \($0.rowCount) \($0.memories.count)" } == [
        "archive/curator/memories 77 56", "assistants/openmake/unified.db 48 25",
        "knowledge/librarian/notes.sqlite3 31 29", "operational/crawler/memory.db 109 40",
        "orchestration/router/agent_database.db 29 15", "planning/ideas/bot.db 22 0",
        "research/analyst/agent.sqlite 82 49", "shared/team.db 81 36",
        "support/chatbot/conversation.db 97 43",
      ])
    let other = try TemporaryFolder("fleet")
    for (file, copy) in zip(files, try DemoFleet.make(in: other.path)) {
      #expect(file.memories == copy.memories)
      let comparison = try SQLiteComparison(old: file.path, new: copy.path)
      #expect(comparison.isIdentical, "\(file.relativePath): \(comparison.differences)")
      #expect(comparison.sameRows >= file.rowCount)
    }
  }

  @Test func overwritesNothing() throws {
    let before = try Data(contentsOf: URL(filePath: files[0].path))
    #expect(throws: SQLiteError.self) { try DemoFleet.make(in: folder.path) }
    #expect(try Data(contentsOf: URL(filePath: files[0].path)) == before)
  }

  @Test func everyFileIsSound() throws {
    for file in files {
      #expect(SQLiteFile.kind(file.path) == .database)
      let connection = try SQLiteConnection.snapshot(of: file.path)
      #expect(try connection.integrityCheck() == [])
      #expect(try connection.query("PRAGMA foreign_key_check") == [])
    }
  }

  @Test func beginsWithTheRecordOfTheGuide() throws {
    let crawler = try SQLiteConnection.snapshot(of: try file("operational_crawler").path)
    let row = try crawler.queryOne("SELECT * FROM memory ORDER BY id")
    #expect(row?.columns == ["id", "content", "timestamp"])
    #expect(row?.values == [1, "User query about pricing", "2024-01-15 10:30:00"])
    #expect(try crawler.queryOne("SELECT seq FROM sqlite_sequence WHERE name = 'memory'")?[0] == 44)
    #expect(try crawler.queryOne("SELECT max(id) FROM memory")?[0] == 42)
  }

  @Test func aReaderWithoutTheLogMissesRows() throws {
    let chatbot = try file("support_chatbot")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/support/chatbot").sorted()
    #expect(names == ["conversation.db", "conversation.db-wal"])
    let alone = try folder.file("alone.db")
    try FileManager.default.copyItem(atPath: chatbot.path, toPath: alone)
    let merged = try SQLiteConnection.snapshot(of: alone)
    let rows = try merged.queryOne("SELECT count(*) FROM conversation_memory")?[0].int64
    #expect(rows == 56)
    #expect(chatbot.rows(of: "conversation_memory") == 77)
  }

  @Test func oddValuesAreStoredAsTheyAre() throws {
    let curator = try SQLiteConnection.snapshot(of: try file("archive_curator").path)
    func value(_ key: String) throws -> SQLiteValue? {
      try curator.queryOne("SELECT value FROM memories WHERE key = ?", [.text(key)])?[0]
    }
    #expect(try value("minus zero") == .real(-0.0))
    #expect(try value("minus infinity") == .real(-.infinity))
    #expect(try value("text with a NUL") == "before\0after")
    #expect(try value("invalid UTF-8") == .malformedText([0x61, 0xFF, 0xC3, 0x28, 0x62]))
    #expect(try value("2^63 - 1") == .integer(.max))
    #expect(try value("five, real") == .real(5))
    #expect(try value("17 digits") == .real(0.30000000000000004))
    #expect(try value("empty blob") == .blob([]))
    #expect(try value("null") == .null)
    let blobs = try curator.queryOne("SELECT count(*) FROM memories WHERE typeof(note) = 'blob'")
    #expect(try #require(blobs?[0].int64) > 0)
  }

  @Test func theTeamHasSeveralAgents() throws {
    #expect(Set(try file("shared").memories.map(\.agent)) == ["planner", "coder", "reviewer", "shared"])
  }

  /// The keys are found with SQL of the fleet's own; the library's rule has to find the same.
  @Test func keysAreThoseOfTheLibrarysRule() throws {
    for file in files {
      let connection = try SQLiteConnection.snapshot(of: file.path)
      var found: Set<[[UInt8]]> = []
      for table in file.tables where table.kind == .ordinary {
        for row in try LegacyReader(table.name, connection).rows() {
          let agent = row.fields.text(.agent) ?? ""
          let names = [agent.isEmpty ? file.agent : agent, row.fields.namespace, row.fields.key(row.key)]
          found.insert(names.map { Array($0.utf8) })
        }
      }
      // By bytes: Swift calls two spellings of one word equal.
      let expected = file.memories.map { [$0.agent, $0.namespace, $0.key].map { Array($0.utf8) } }
      #expect(Set(expected).count == expected.count, "\(file.relativePath) names a key twice")
      #expect(found == Set(expected), "\(file.relativePath)")
    }
  }

  @Test func theLargeFileHasAsManyRowsAsAskedFor() throws {
    for rows in [0, 1, 2, 1000] {
      let path = try folder.file("large-\(rows).db")
      try DemoFleet.makeLarge(path, rows: rows)
      let connection = try SQLiteConnection.snapshot(of: path)
      let counts = try ["memory", "metrics", "execution_log"].map {
        try #require(connection.queryOne("SELECT count(*) FROM \($0)")?[0].int64)
      }
      #expect(counts.reduce(0, +) == rows)
    }
    #expect(throws: SQLiteError.self) { try DemoFleet.makeLarge(files[0].path, rows: 1) }
  }
}

/// Reads the memories of a legacy table by the library's rules.
private struct LegacyReader {
  let table: LegacyTable
  let connection: SQLiteConnection

  init(_ name: String, _ connection: SQLiteConnection) throws {
    self.connection = connection
    let columns = try connection.query(
      "SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", [.text(name)])
    let isWithoutRowID =
      try connection.queryOne("SELECT wr FROM pragma_table_list(?)", [.text(name)])?[0] == 1
    table = LegacyTable(
      name: name,
      columns: columns.map {
        LegacyColumn(
          name: $0[0].string ?? "", declaredType: $0[1].string ?? "", keyPlace: Int($0[2].int64 ?? 0))
      }, hasRowID: !isWithoutRowID)
  }

  func rows() throws -> [(fields: LegacyFields, key: LegacyKey)] {
    guard table.kind == .memories else { return [] }
    let names = table.columns.map { SQLiteIdentifier.quoted($0.name) }.joined(separator: ", ")
    let rowID = table.hasRowID ? "rowid" : "NULL"
    return try connection.query("SELECT \(names), \(rowID) FROM \(SQLiteIdentifier.quoted(table.name))")
      .map { row in
        let key = LegacyKey(values: table.keyColumns.map { row[$0] }, rowID: row.values.last?.int64)
        return (LegacyFields(table: table, time: LegacyTime()) { row[$0] }, key)
      }
  }
}
