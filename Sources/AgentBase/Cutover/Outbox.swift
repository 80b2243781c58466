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

  /// The step of our own tables that makes it what it is: a line a change.
  static let step = 7
  /// A line is not looked for among more than this many: whether a change waits is then not told from whether any does.
  static let mostLookedAt: Int64 = 10_000

  private static let addSQL = """
    INSERT INTO main.agentbase_outbox (agent_id, sequence, kind, namespace, key, written_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    """

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
    var statement = try connection.prepare(Self.addSQL)
    try statement.bind(text: agent, at: 1)
    try statement.bind(integer: now, at: 6)
    for change in changes {
      sequence += 1
      try statement.bind(integer: sequence, at: 2)
      try statement.bind(text: change.kind.rawValue, at: 3)
      try statement.bind(text: change.namespace, at: 4)
      try statement.bind(text: change.key, at: 5)
      try statement.run()
    }
    CutoverTable.noteLines(upTo: sequence, of: agent, connection)
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
    try CutoverTable.execute(
      "UPDATE main.agentbase_cutover SET carried_sequence = max(carried_sequence, ?2), carried_at = ?3 WHERE agent_id = ?1",
      [.text(agent), .integer(sequence), .integer(Timestamp.now.microseconds)], connection)
  }

  /// Removes the lines of a change that was set aside. The number of the newest change stays what it was.
  func remove(_ change: OutboxChange) throws {
    try CutoverTable.execute(
      "UPDATE main.agentbase_cutover SET last_sequence = \(CutoverTable.lastSequenceSQL) WHERE agent_id = ?",
      [.text(agent)], connection)
    try connection.execute(
      "DELETE FROM main.agentbase_outbox WHERE agent_id = ? AND key = ? AND namespace = ? AND kind = ?",
      [.text(agent), .text(change.key), .text(change.namespace), .text(change.kind.rawValue)])
  }

  // MARK: - Reading

  /// Lends the lines behind a change to the body, in order, as long as it answers true.
  ///
  /// - Returns: whether that was so to the end.
  func forEachLine(after sequence: Int64, _ body: (OutboxLine) throws -> Bool) throws -> Bool {
    var statement = try connection.prepare(
      """
      SELECT kind, namespace, key, sequence FROM main.agentbase_outbox
      WHERE agent_id = ? AND sequence > ? ORDER BY sequence
      """)
    try statement.bind([.text(agent), .integer(sequence)])
    while try statement.step() {
      let word = statement.value(0).string ?? ""
      guard let kind = OutboxChange.Kind(rawValue: word) else {
        throw AgentBaseError(
          .schema, "the outbox of \(connection.path) holds a line of the kind \"\(word.prefix(40))\"",
          advice: "Update the program.", agent: agent)
      }
      let change = OutboxChange(
        kind: kind, namespace: statement.value(1).string ?? "", key: statement.value(2).string ?? "")
      guard try body(OutboxLine(change: change, sequence: statement.integer(3))) else { return false }
    }
    return true
  }

  /// Whether there is a line for a change, or there may be: lines are read one by one, where they are not too many for that.
  func mayHold(_ change: OutboxChange) throws -> Bool {
    guard let record = try CutoverTable.record(of: agent, connection) else { return false }
    guard record.lag <= Self.mostLookedAt else { return true }
    return try connection.queryOne(
      "SELECT 1 FROM main.agentbase_outbox WHERE agent_id = ? AND key = ? AND namespace = ? AND kind = ? LIMIT 1",
      [.text(agent), .text(change.key), .text(change.namespace), .text(change.kind.rawValue)]) != nil
  }

  /// When the oldest line was written; nil where there is none.
  func waitingSince() throws -> Timestamp? {
    try connection.queryOne(
      "SELECT written_at FROM main.agentbase_outbox WHERE agent_id = ? ORDER BY sequence LIMIT 1",
      [.text(agent)])?[0].int64
      .map(Timestamp.init(microseconds:))
  }
}
