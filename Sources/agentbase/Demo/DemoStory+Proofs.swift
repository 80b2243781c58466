// The demo's two hardest claims: a row changed behind our back is named, and the way back loses nothing.

internal import AgentBase
internal import DemoFleet
internal import LegacyImport
internal import Postgres

extension DemoStory {
  // MARK: - Tampering

  func tamper() async throws -> DemoFinding {
    let original = try await stage.withConnection { connection in
      let row = try await connection.queryOne(
        "SELECT content::text FROM agent_memories WHERE agent_id = 'operational_crawler' AND key = '1'")
      try await connection.execute(
        """
        UPDATE agent_memories SET content = jsonb_set(content, '{content}', '"User query about prizes"')
        WHERE agent_id = 'operational_crawler' AND key = '1'
        """)
      return try row?.decode(0, as: String.self) ?? ""
    }
    let found = try await verify()
    try await stage.withConnection { connection in
      _ = try await connection.execute(
        """
        UPDATE agent_memories SET content = \(original)::text::jsonb
        WHERE agent_id = 'operational_crawler' AND key = '1'
        """)
    }
    let after = try await verify()
    let named = found.differences.first
    let isNamed =
      found.differenceCount == 1 && named?.file == "operational/crawler/memory.db" && named?.table == "memory"
      && named?.key == "1"
    return DemoFinding(
      holds: isNamed && found.exitCode == 4 && after.exitCode == 0 && after.written == 1,
      claim: "one word changed with SQL: verify ends with \(found.exitCode) and names the row",
      lines: found.differences.prefix(3).flatMap { DemoPage.wrapped($0.description, to: 74) } + [
        "put back: \(after.differenceCount.counted("difference")), \(after.written.counted("row")) written since by agents"
      ], facts: ["tampered": found.json, "put_back": after.json])
  }

  // MARK: - Rollback

  func rollBack() async throws -> DemoFinding {
    let report = try await Rollback(
      postgresURL: stage.url, destination: .folder(stage.restored), onEvent: { _ in }
    ).run()
    var (same, rows, tables) = (0, 0, 0)
    var problems: [String] = []
    for file in files {
      let comparison = try SQLiteComparison(
        old: "\(stage.pristine)/\(file.relativePath)", new: "\(stage.restored)/\(file.relativePath)")
      rows += comparison.sameRows
      tables += comparison.tables
      if comparison.keepsAll { same += 1 }
      problems += comparison.differences.filter { $0.kind != .added }.prefix(3)
        .map { "\(file.relativePath): \($0)" }
    }
    let isThere = try await newMemoryIsThere(in: "\(stage.restored)/operational/crawler/memory.db")
    return DemoFinding(
      holds: report.exitCode == 0 && same == files.count && rows >= rowCount && isThere,
      claim: "SQLite files in a new folder, compared with those at the start",
      lines: [
        "\(same) of \(files.count) files the same, value for value, type for type:",
        "\(tables) tables, with those of full-text indexes \(rows) rows",
        isThere ? "the new memory is there, read through the SQLite backend" : "the new memory is not there",
      ] + problems,
      facts: [
        "files": .integer(files.count), "same": .integer(same), "tables": .integer(tables),
        "rows": .integer(rows),
        "new_memory_is_there": .bool(isThere),
      ])
  }
}
