// Storing and deleting memories in a SQLite file.
//
// A memory goes into a legacy table, in that table's own shape, where it fits: so the agent that made the file reads it. Else it
// goes into our own table beside it. Either way it becomes the newest row of its key, here and after an import.

import SQLite

/// Writes memories within one transaction; our own tables are there.
struct SQLiteMemoryWriter {
  let memories: SQLiteMemories
  /// The spelling of naive times.
  let time: LegacyTime
  /// Makes our own tables, and answers the one of memories.
  let makeOwnTable: () throws -> SQLiteTable

  private var connection: SQLiteConnection { memories.connection }
  private var agent: String { memories.agent }

  /// A row of the key that is there already.
  private struct Row {
    let table: SQLiteTable
    let rank: SQLiteRank
    let location: SQLiteLocation?
    let value: SQLiteValue?
  }

  // MARK: - Storing

  /// Stores a memory.
  func store(_ draft: MemoryDraft) throws {
    var rows: [Row] = []
    try memories.forEachRow(namespace: draft.namespace, key: draft.key) { reader, row in
      rows.append(
        Row(
          table: reader.table, rank: reader.rank(row), location: reader.location(row),
          value: reader.value(.value, row)))
    }
    let legacyRows = rows.filter { !$0.table.isOwn }.sorted { $0.rank > $1.rank }
    let ownRows = rows.filter(\.table.isOwn)
    for plan in plans(legacyRows) where try write(plan, draft, among: legacyRows, insteadOf: ownRows) {
      return
    }
    try storeInOwnTable(draft, newest: legacyRows.first?.rank.time)
  }

  /// The legacy tables that the memory may fit, the likeliest first, each with the row that would be replaced.
  private func plans(_ rows: [Row]) -> [(shape: LegacyMemoryShape, row: Row?)] {
    let tables = memories.catalog.tables(of: .memories).filter { !$0.isOwn }
    if let newest = rows.first {
      return LegacyMemoryShape(newest.table).map { [(shape: $0, row: newest)] } ?? []
    }
    return tables.compactMap { table in LegacyMemoryShape(table).map { (shape: $0, row: nil) } }
  }

  /// Writes into a legacy table; false, with nothing written, where the memory does not fit it.
  private func write(
    _ plan: (shape: LegacyMemoryShape, row: Row?), _ draft: MemoryDraft, among rows: [Row],
    insteadOf ownRows: [Row]
  ) throws -> Bool {
    let sample = try plan.row?.value ?? plan.shape.sample(.value, connection)
    let now = Timestamp.now
    guard
      let values = try plan.shape.values(
        draft, agent: agent, now: now, sample: sample, zone: time.naiveZone, connection,
        isNew: plan.row == nil)
    else { return false }
    // What the column can say of the time must still be newer than every other row of the key.
    if let row = plan.row {
      let spelled = values.time.flatMap { time.microseconds(of: $0) }.map { Timestamp(microseconds: $0) }
      let rank = SQLiteRank(time: spelled, rowID: row.rank.rowID, table: row.rank.table)
      guard rows.dropFirst().allSatisfy({ $0.rank < rank }), row.location != nil else { return false }
    }
    do {
      try connection.transaction {
        for row in ownRows { try remove(row.table, row.location) }
        try plan.shape.write(values, at: plan.row?.location, connection)
        let written = try memories.current(namespace: draft.namespace, key: draft.key) {
          $0.memoryValue($1).json
        }
        // Triggers, collations and affinities may do what nobody foresaw.
        guard written == MemoryValue(storedText: draft.valueText).json else { throw DoesNotFit() }
      }
      return true
    } catch is DoesNotFit {
      return false
    } catch let error as SQLiteError {
      // The table refuses it: a CHECK, a UNIQUE column, a STRICT type, a trigger.
      guard [.constraint, .mismatch, .error].contains(error.code.primary) else { throw error }
      return false
    }
  }

  private struct DoesNotFit: Error {}

  private func storeInOwnTable(_ draft: MemoryDraft, newest: Timestamp?) throws {
    let table = try makeOwnTable()
    // Later than every legacy row of the key, even one whose clock was ahead.
    let now = max(.now, newest.map { Timestamp(microseconds: $0.microseconds + 1) } ?? .now)
    let expiresAt = draft.timeToLive.map { Timestamp(microseconds: Timestamp.now.microseconds + $0).text }
    try connection.execute(
      """
      INSERT INTO \(table.quotedName)
        (agent_id, namespace, key, content, metadata, embedding, created_at, updated_at, expires_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)
      ON CONFLICT (agent_id, namespace, key) DO UPDATE SET
        content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding,
        updated_at = max(excluded.updated_at, updated_at), expires_at = excluded.expires_at
      """,
      [
        .text(agent), .text(draft.namespace), .text(draft.key), .text(draft.valueText),
        .text(JSON.object(draft.metadata).jsonbText), draft.embedding.map(SQLiteEmbedding.value) ?? .null,
        .text(now.text), expiresAt.map(SQLiteValue.text) ?? .null,
      ])
  }

  // MARK: - Deleting

  /// Removes every row of a key.
  ///
  /// - Returns: whether one of them had not expired.
  func delete(namespace: String, key: String) throws -> Bool {
    var rows: [(SQLiteTable, SQLiteLocation?)] = []
    var wasThere = false
    let now = Timestamp.now
    try memories.forEachRow(namespace: namespace, key: key) { reader, row in
      rows.append((reader.table, reader.location(row)))
      if reader.time(.expiresAt, row).map({ $0 > now }) ?? true { wasThere = true }
    }
    for (table, location) in rows { try remove(table, location) }
    return wasThere
  }

  private func remove(_ table: SQLiteTable, _ location: SQLiteLocation?) throws {
    guard let location else {
      throw AgentBaseError(
        .database,
        "\(connection.path): the rows of the table \(table.table.name) cannot be told apart: columns hide its rowid",
        advice: "Delete the row with the sqlite3 command.")
    }
    try connection.execute("DELETE FROM \(table.quotedName) WHERE \(location.condition)", location.values)
  }
}

/// Embeddings as our own tables hold them.
enum SQLiteEmbedding {
  /// A BLOB of float32, little-endian.
  static func value(_ numbers: [Float]) -> SQLiteValue {
    .blob(
      numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) } })
  }
}
