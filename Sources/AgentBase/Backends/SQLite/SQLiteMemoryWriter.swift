// Storing memories in a SQLite file.
//
// A memory goes into a legacy table, in that table's own shape, where it fits: so the agent that made the file reads it. Else it
// goes into our own table beside it. Either way it becomes the newest row of its key, here and after an import.

import SQLite

/// Writes memories within one transaction; our own tables are there.
struct SQLiteMemoryWriter {
  let memories: SQLiteMemories
  /// The spelling of naive times.
  let time: LegacyTime
  /// Our own table of memories.
  let ownTable: SQLiteTable
  /// The time of all that is stored: what a batch stores is of one moment.
  var clock = Timestamp.now
  /// What a memory brings along that was stored elsewhere; nil for what is stored here.
  var origin: MemoryOrigin?

  private var connection: SQLiteConnection { memories.connection }
  private var agent: String { memories.agent }

  // MARK: - Storing

  /// Stores a memory, whatever is there.
  ///
  /// - Returns: its version.
  @discardableResult
  func store(_ draft: MemoryDraft) throws -> Int64 {
    if memories.catalog.soleMemories != nil, draft.historyLimit == nil {
      return try SQLiteOwnMemories.store(connection, agent: agent, draft)
    }
    return try store(draft, over: try memories.rows(draft.name, withMemories: draft.historyLimit != nil))
  }

  /// Stores a memory where what is there is what is expected.
  func store(_ draft: MemoryDraft, expecting: MemoryExpectation) throws -> MemoryWrite {
    let rows = try memories.rows(draft.name, withMemories: true)
    let current = rows.first.flatMap { $0.isExpired(at: clock) ? nil : $0.memory }
    let found = current.map { MemoryExpectation.version($0.version) } ?? .absent
    guard found == expecting else { return .conflict(current) }
    return .stored(try store(draft, over: rows))
  }

  func store(_ draft: MemoryDraft, over rows: [SQLiteKeyRow]) throws -> Int64 {
    let ownRows = rows.filter(\.table.isOwn)
    let legacyRows = rows.filter { !$0.table.isOwn }
    let note = legacyRows.isEmpty ? nil : try memories.notes.note(draft.name)
    let known = [ownRows.first?.version, note?.version].compactMap(\.self).max()
    let version = origin?.version ?? known.map { $0 + 1 } ?? clock.microseconds
    for plan in plans(legacyRows) where try write(plan, draft, version, among: legacyRows, insteadOf: ownRows)
    {
      return version
    }
    try storeInOwnTable(draft, version, over: rows)
    return version
  }

  /// Keeps the values of rows that go, or that the library stands above from now on, where the history is wanted. A memory that
  /// has expired is as good as deleted, and so is its history.
  private func keep(_ gone: [SQLiteKeyRow], of rows: [SQLiteKeyRow], for draft: MemoryDraft) throws {
    guard let limit = draft.historyLimit, let newest = rows.first else { return }
    guard !newest.isExpired(at: clock) else { return try memories.history.forget(draft.name) }
    for row in rows.reversed() {
      guard let memory = row.memory, !row.isKept(of: rows) else { continue }
      let goes = gone.contains { $0.rank == row.rank && $0.table.isOwn == row.table.isOwn }
      let isCovered = row.rank == newest.rank && memory.version > 0
      if goes || isCovered { try memories.history.keep(memory, replacedAt: clock) }
    }
    try memories.history.trim(draft.name, to: limit)
  }

  /// The legacy tables that the memory may fit, the likeliest first, each with the row that would be replaced.
  private func plans(_ rows: [SQLiteKeyRow]) -> [(shape: LegacyMemoryShape, row: SQLiteKeyRow?)] {
    let tables = memories.catalog.tables(of: .memories).filter { !$0.isOwn }
    if let newest = rows.first {
      return LegacyMemoryShape(newest.table).map { [(shape: $0, row: newest)] } ?? []
    }
    return tables.compactMap { table in LegacyMemoryShape(table).map { (shape: $0, row: nil) } }
  }

  /// Writes into a legacy table; false, with nothing written, where the memory does not fit it.
  private func write(
    _ plan: (shape: LegacyMemoryShape, row: SQLiteKeyRow?), _ draft: MemoryDraft, _ version: Int64,
    among rows: [SQLiteKeyRow],
    insteadOf ownRows: [SQLiteKeyRow]
  ) throws -> Bool {
    let sample = try plan.row?.value ?? plan.shape.sample(.value, connection)
    guard
      let values = try plan.shape.values(
        draft, agent: agent, now: clock, sample: sample, zone: time.naiveZone, connection,
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
        try keep(
          ownRows + [plan.row].compactMap(\.self), of: (ownRows + rows).sorted { $0.rank > $1.rank },
          for: draft)
        for row in ownRows { try memories.remove(row) }
        try plan.shape.write(values, at: plan.row?.location, connection)
        let written = try memories.current(draft.name) {
          (value: $0.memoryValue($1).json, metadata: $0.metadata($1))
        }
        // Triggers, collations and affinities may do what nobody foresaw.
        guard let written, written.value == MemoryValue(storedText: draft.valueText).json,
          try origin?.fits(memories.memory(draft.name), draft) ?? true
        else {
          throw DoesNotFit()
        }
        let digest = MemoryDigest.version(value: written.value, metadata: written.metadata)
        try memories.notes.write(
          SQLiteNotes.Note(
            version: version, digest: digest,
            timeToLive: origin == nil ? draft.timeToLive : origin?.timeToLive), on: draft.name)
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

  private func storeInOwnTable(_ draft: MemoryDraft, _ version: Int64, over rows: [SQLiteKeyRow]) throws {
    try keep(rows.filter(\.table.isOwn), of: rows, for: draft)
    let newest = rows.first { !$0.table.isOwn }
    // Later than every legacy row of the key, even one whose clock was ahead.
    let now = max(clock, newest?.rank.time.map { Timestamp(microseconds: $0.microseconds + 1) } ?? clock)
    let expiresAt =
      origin == nil
      ? draft.timeToLive.map { Timestamp(microseconds: clock.microseconds + $0).text }
      : origin?.expiresAt?.text
    let timeToLive = origin == nil ? draft.timeToLive : origin?.timeToLive
    try connection.execute(
      """
      INSERT INTO \(ownTable.quotedName)
        (agent_id, namespace, key, content, metadata, embedding, created_at, updated_at, expires_at, version, time_to_live,
         words)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce(?13, ?7), ?7, ?8, ?9, ?10, ?12)
      ON CONFLICT (agent_id, namespace, key) DO UPDATE SET
        content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding,
        created_at = CASE WHEN expires_at <= ?11 OR ?13 IS NOT NULL THEN excluded.created_at ELSE created_at END,
        updated_at = max(excluded.updated_at, updated_at), expires_at = excluded.expires_at,
        version = excluded.version, time_to_live = excluded.time_to_live, words = excluded.words
      """,
      [
        .text(agent), .text(draft.namespace), .text(draft.key), .text(draft.valueText),
        .text(JSON.object(draft.metadata).jsonbText), draft.embedding.map(SQLiteEmbedding.value) ?? .null,
        .text(now.text), expiresAt.map(SQLiteValue.text) ?? .null, .integer(version),
        timeToLive.map(SQLiteValue.integer) ?? .null, .text(clock.text),
        // What comes from elsewhere gets its words when somebody searches.
        origin == nil ? .text(draft.words.text) : .null,
        (origin?.createdAt).map { .text($0.text) } ?? .null,
      ])
    try memories.reflect(draft.name, in: ownTable)
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
