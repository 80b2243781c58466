// The outbox of a SQLite file: what has changed and is not in Postgres yet.

import SQLite

/// What has changed.
struct OutboxChange: Hashable, Sendable {
  /// What kind of thing it is.
  enum Kind: String, Sendable {
    /// A memory, by namespace and key; with its history.
    case memory
    /// A tool, by its name.
    case tool
    /// A measurement, by its id in agentbase_carried.
    case metric
    /// An execution, by its id.
    case execution
    /// An execution that had begun before its changes were carried, so that it may have been imported too.
    case adoption
    /// A space of vectors, by its namespace.
    case space
  }

  var kind: Kind
  var namespace = ""
  var key: String

  static func memory(_ name: MemoryName) -> OutboxChange {
    OutboxChange(kind: .memory, namespace: name.namespace, key: name.key)
  }
  static func tool(_ name: String) -> OutboxChange { OutboxChange(kind: .tool, key: name) }
  static func space(_ namespace: String) -> OutboxChange { OutboxChange(kind: .space, key: namespace) }

  static func == (left: OutboxChange, right: OutboxChange) -> Bool {
    left.kind == right.kind && left.namespace.isExactly(right.namespace) && left.key.isExactly(right.key)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    ExactText(namespace).hash(into: &hasher)
    ExactText(key).hash(into: &hasher)
  }
}

/// A line of the outbox.
struct OutboxLine: Sendable {
  var change: OutboxChange
  var sequence: Int64
}

/// An agent's lines in the outbox, within the connection's transaction.
struct Outbox {
  let connection: SQLiteConnection
  let agent: String

  private static let addSQL = """
    INSERT INTO main.agentbase_outbox (agent_id, kind, namespace, key, sequence, written_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (agent_id, kind, namespace, key) DO UPDATE SET sequence = excluded.sequence
    """
  private static let countSQL = "UPDATE main.agentbase_cutover SET last_sequence = ?2 WHERE agent_id = ?1"

  // MARK: - Writing

  /// Adds changes, which commit together with what they tell of.
  ///
  /// - Throws: `AgentBaseError` of the code `outboxFull` where more than `limit` changes would wait.
  func add(_ changes: [OutboxChange], to record: CutoverRecord, limit: Int) throws {
    guard !changes.isEmpty else { return }
    guard record.lag + Int64(changes.count) <= Int64(limit) else {
      throw AgentBaseError(
        .outboxFull, "\(record.lag) changes wait to be carried to Postgres, and the limit is \(limit)",
        advice: "Nothing was stored. See that Postgres can be reached, or raise outboxLimit of the config.",
        isSafeToRetry: true)
    }
    let now = Timestamp.now.microseconds
    var sequence = record.lastSequence
    for change in changes {
      sequence += 1
      var statement = try connection.prepare(Self.addSQL)
      try statement.bind(text: agent, at: 1)
      try statement.bind(text: change.kind.rawValue, at: 2)
      try statement.bind(text: change.namespace, at: 3)
      try statement.bind(text: change.key, at: 4)
      try statement.bind(integer: sequence, at: 5)
      try statement.bind(integer: now, at: 6)
      try statement.run()
    }
    var statement = try connection.prepare(Self.countSQL)
    try statement.bind(text: agent, at: 1)
    try statement.bind(integer: sequence, at: 2)
    try statement.run()
  }

  /// Notes that a row is carried under an id, so that an import leaves it out.
  ///
  /// - Returns: false where that was known.
  @discardableResult
  func markCarried(_ id: String, table: String, rowID: Int64) throws -> Bool {
    try connection.execute(
      "INSERT OR IGNORE INTO main.agentbase_carried (id, source, row_id) VALUES (?, ?, ?)",
      [.text(id), .text(table), .integer(rowID)]) == 1
  }

  /// Whether a row is known to be carried under an id.
  func hasCarried(_ id: String) throws -> Bool {
    try connection.queryOne("SELECT 1 FROM main.agentbase_carried WHERE id = ?", [.text(id)]) != nil
  }

  /// Removes the lines up to a change that is in Postgres.
  func remove(upTo sequence: Int64) throws {
    try connection.execute(
      "DELETE FROM main.agentbase_outbox WHERE agent_id = ? AND sequence <= ?",
      [.text(agent), .integer(sequence)])
    try connection.execute(
      "UPDATE main.agentbase_cutover SET carried_sequence = max(carried_sequence, ?2), carried_at = ?3 WHERE agent_id = ?1",
      [.text(agent), .integer(sequence), .integer(Timestamp.now.microseconds)])
  }

  // MARK: - Reading

  /// The lines behind a change, in order.
  func lines(after sequence: Int64, limit: Int) throws -> [OutboxLine] {
    try connection.query(
      """
      SELECT kind, namespace, key, sequence FROM main.agentbase_outbox
      WHERE agent_id = ? AND sequence > ? ORDER BY sequence LIMIT ?
      """, [.text(agent), .integer(sequence), .integer(Int64(limit))]
    ).map { row in
      let word = row[0].string ?? ""
      guard let kind = OutboxChange.Kind(rawValue: word) else {
        throw AgentBaseError(
          .schema, "the outbox of \(connection.path) holds a line of the kind \"\(word.prefix(40))\"",
          advice: "Update the program.", agent: agent)
      }
      return OutboxLine(
        change: OutboxChange(kind: kind, namespace: row[1].string ?? "", key: row[2].string ?? ""),
        sequence: row[3].int64 ?? 0)
    }
  }

  /// Whether there is a line for a change.
  func holds(_ change: OutboxChange) throws -> Bool {
    try connection.queryOne(
      "SELECT 1 FROM main.agentbase_outbox WHERE agent_id = ? AND kind = ? AND namespace = ? AND key = ?",
      [.text(agent), .text(change.kind.rawValue), .text(change.namespace), .text(change.key)]) != nil
  }

  /// When the oldest line was written first; nil where there is none.
  func waitingSince() throws -> Timestamp? {
    try connection.queryOne(
      "SELECT min(written_at) FROM main.agentbase_outbox WHERE agent_id = ?", [.text(agent)])?[0].int64
      .map(Timestamp.init(microseconds:))
  }
}
