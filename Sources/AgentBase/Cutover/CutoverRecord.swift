// The row of an agent in agentbase_cutover: what every write of the agent looks at in its own transaction.

import Foundation
import SQLite

/// The state of an agent's cut-over, as its SQLite file holds it.
struct CutoverRecord: Sendable {
  var pairID: String
  var phase: CutoverPhase
  var epoch: Int64
  /// How many of a hundred keys are read from Postgres.
  var readPercent: Int
  /// How many reads from both sides differed since that was set.
  var differing: Int64
  /// The number of the newest change.
  var lastSequence: Int64
  /// All changes up to this one are in Postgres.
  var carriedSequence: Int64
  /// Until when writers wait.
  var heldUntil: Timestamp?
  var carriedAt: Timestamp?

  var lag: Int64 { lastSequence - carriedSequence }

  /// Whether writers wait at this moment.
  func isHeld(at now: Timestamp) -> Bool { heldUntil.map { $0 > now } ?? false }
}

/// A writer has to wait: the phase is about to change.
struct CutoverHold: Error {}

/// Reads and writes the rows of agentbase_cutover, within the connection's transaction.
enum CutoverTable {
  /// The step of our own tables that makes it.
  static let step = 5

  /// The number of the newest change: that of the newest line, if that has not been removed.
  static let lastSequenceSQL = """
    max(last_sequence, carried_sequence, coalesce(
      (SELECT max(sequence) FROM main.agentbase_outbox AS line WHERE line.agent_id = agentbase_cutover.agent_id), 0))
    """

  private static let readSQL = """
    SELECT pair_id, phase, epoch, \(lastSequenceSQL), carried_sequence, held_until, carried_at, read_percent, differing
    FROM main.agentbase_cutover WHERE agent_id = ?1
    """

  /// The state of an agent; nil where it has no cut-over.
  static func record(of agent: String, _ connection: SQLiteConnection) throws -> CutoverRecord? {
    var statement = try connection.prepare(readSQL)
    try statement.bind(text: agent, at: 1)
    guard try statement.step() else { return nil }
    let word = statement.value(1).string ?? ""
    guard let phase = CutoverPhase(rawValue: word) else {
      throw AgentBaseError(
        .schema, "\(connection.path): the phase \"\(word.prefix(40))\" is none that this version knows",
        advice: "Update the program.", agent: agent)
    }
    return CutoverRecord(
      pairID: statement.value(0).string ?? "", phase: phase, epoch: statement.integer(2),
      readPercent: Int(statement.integer(7)), differing: statement.integer(8),
      lastSequence: statement.integer(3), carriedSequence: statement.integer(4),
      heldUntil: statement.value(5).int64.map(Timestamp.init(microseconds:)),
      carriedAt: statement.value(6).int64.map(Timestamp.init(microseconds:)))
  }

  /// The state of an agent that is about to write.
  ///
  /// - Returns: nil where nothing is carried.
  /// - Throws: `CutoverHold` where it has to wait; `AgentBaseError` of the code `moved` where it may write no more.
  static func admit(_ agent: String, _ connection: SQLiteConnection) throws -> CutoverRecord? {
    guard let record = try remembered(agent, connection) else { return nil }
    switch record.phase {
    case .sqliteOnly: return nil
    case .postgresPrimary, .postgresOnly:
      throw AgentBaseError(
        .moved, "the agent's rows have moved from \(connection.path) to Postgres",
        advice: "Use .dual or .postgres as its backend (AGENT_MEMORY_BACKEND).", agent: agent)
    case .dualSQLite, .dualPostgres:
      if record.isHeld(at: .now) { throw CutoverHold() }
      return record
    }
  }

  // MARK: - Many writes in one transaction

  /// The states of agents, as the open transaction has read and changed them.
  private final class Memo {
    var records: [String: CutoverRecord?] = [:]
  }

  /// The state of an agent, which the writes of a transaction read once: nobody else can change it meanwhile.
  private static func remembered(_ agent: String, _ connection: SQLiteConnection) throws -> CutoverRecord? {
    if let known = (connection.transactionMemo as? Memo)?.records[agent] { return known }
    let record = try record(of: agent, connection)
    guard connection.isInTransaction else { return record }
    let memo = connection.transactionMemo as? Memo ?? Memo()
    memo.records[agent] = .some(record)
    connection.transactionMemo = memo
    return record
  }

  /// Notes that lines were added, up to this number.
  static func noteLines(upTo sequence: Int64, of agent: String, _ connection: SQLiteConnection) {
    (connection.transactionMemo as? Memo)?.records[agent]??.lastSequence = sequence
  }

  /// Changes what the states of agents are read from.
  static func execute(_ sql: String, _ values: [SQLiteValue], _ connection: SQLiteConnection) throws {
    connection.transactionMemo = nil
    try connection.execute(sql, values)
  }

  // MARK: - Changing

  /// Begins a cut-over of an agent, or changes its phase; writers wait no longer.
  ///
  /// - Parameter epoch: an epoch that the new one is greater than, besides the file's own.
  static func set(
    _ phase: CutoverPhase, readPercent: Int = 0, above epoch: Int64 = 0, of agent: String,
    _ connection: SQLiteConnection
  ) throws {
    let known = try record(of: agent, connection)
    try write(
      phase, readPercent: readPercent, epoch: max(known?.epoch ?? 0, epoch) + 1,
      pairID: known?.pairID ?? UUID().uuidString.lowercased(), of: agent, connection)
  }

  /// Takes over the phase that Postgres has decided, with its epoch.
  static func adopt(
    _ fence: CutoverFence, readPercent: Int, of agent: String, _ connection: SQLiteConnection
  ) throws {
    try write(
      fence.phase, readPercent: fence.phase == .dualPostgres ? readPercent : 0, epoch: fence.epoch,
      pairID: fence.pairID, of: agent, connection)
  }

  private static func write(
    _ phase: CutoverPhase, readPercent: Int, epoch: Int64, pairID: String, of agent: String,
    _ connection: SQLiteConnection
  ) throws {
    try execute(
      """
      INSERT INTO main.agentbase_cutover (agent_id, pair_id, phase, read_percent, epoch, changed_at)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT (agent_id) DO UPDATE SET
        pair_id = excluded.pair_id, phase = excluded.phase, read_percent = excluded.read_percent, differing = 0,
        epoch = excluded.epoch, held_until = NULL, changed_at = excluded.changed_at
      """,
      [
        .text(agent), .text(pairID), .text(phase.rawValue), .integer(Int64(readPercent)), .integer(epoch),
        .integer(Timestamp.now.microseconds),
      ], connection)
    try connection.execute("DELETE FROM main.agentbase_differences WHERE agent_id = ?", [.text(agent)])
  }

  // MARK: - Following Postgres

  /// How many batches of Postgres' outbox the file has taken.
  static func followedBatch(
    of agent: String, _ connection: SQLiteConnection, _ catalog: SQLiteCatalog
  ) throws -> Int64 {
    guard catalog.ownVersion >= SetAside.step else { return 0 }
    return try connection.queryOne(
      "SELECT batch FROM main.agentbase_followed WHERE agent_id = ?", [.text(agent)])?[0].int64 ?? 0
  }

  /// Notes that the file has taken a batch.
  static func follow(_ batch: Int64, of agent: String, _ connection: SQLiteConnection) throws {
    try connection.execute(
      "INSERT OR REPLACE INTO main.agentbase_followed (agent_id, batch, followed_at) VALUES (?, ?, ?)",
      [.text(agent), .integer(batch), .integer(Timestamp.now.microseconds)])
  }

  /// Notes a read from both sides that differed. At the limit all keys are read from the file again.
  ///
  /// - Returns: whether this was the one that reached the limit.
  static func note(
    _ difference: CutoverDifference, of agent: String, limit: Int, _ connection: SQLiteConnection
  ) throws -> Bool {
    guard let record = try record(of: agent, connection), record.readPercent > 0 else { return false }
    try connection.execute(
      """
      INSERT OR REPLACE INTO main.agentbase_differences (agent_id, namespace, key, sqlite, postgres, seen_at)
      VALUES (?, ?, ?, ?, ?, ?)
      """,
      [
        .text(agent), .text(difference.namespace), .text(difference.key),
        difference.sqlite.map(SQLiteValue.text) ?? .null, difference.postgres.map(SQLiteValue.text) ?? .null,
        .integer(Timestamp.now.microseconds),
      ])
    let isOver = record.differing + 1 >= Int64(limit)
    try execute(
      "UPDATE main.agentbase_cutover SET differing = differing + 1, read_percent = ?2 WHERE agent_id = ?1",
      [.text(agent), .integer(isOver ? 0 : Int64(record.readPercent))], connection)
    return isOver
  }

  /// The keys that differed when they were read from both sides.
  static func differences(
    of agent: String, limit: Int, _ connection: SQLiteConnection
  ) throws -> [CutoverDifference] {
    try connection.query(
      "SELECT namespace, key, sqlite, postgres FROM main.agentbase_differences WHERE agent_id = ? ORDER BY seen_at LIMIT ?",
      [.text(agent), .integer(Int64(limit))]
    ).map {
      CutoverDifference(
        kind: OutboxChange.Kind.memory.rawValue, namespace: $0[0].string ?? "", key: $0[1].string ?? "",
        sqlite: $0[2].string, postgres: $0[3].string)
    }
  }

  /// Has the writers of an agent wait until a moment; nil: no longer.
  static func hold(_ agent: String, until moment: Timestamp?, _ connection: SQLiteConnection) throws {
    try execute(
      "UPDATE main.agentbase_cutover SET held_until = ?2 WHERE agent_id = ?1",
      [.text(agent), moment.map { .integer($0.microseconds) } ?? .null], connection)
  }
}
