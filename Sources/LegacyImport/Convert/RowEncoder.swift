// From a row of SQLite to a row of a binary COPY: the one way that every row takes, imported or verified.

import AgentBase
import Postgres
import SQLite

/// Encodes the rows of one source table.
struct RowEncoder: RowEncoding {
  /// What became of a row.
  enum Outcome {
    /// It stands at the end of the buffer.
    case encoded(PostgresUUID, sourceRow: Int64)
    /// Postgres cannot hold it, for this reason; the buffer is as it was.
    case rejected(PostgresUUID, LegacyKey, reason: String)
  }

  let source: SourceTable
  /// How times without a zone are read.
  let time: LegacyTime
  /// Whether embeddings go into a `vector` or a `real[]`.
  let embeddingType: EmbeddingType

  private let object: RowObject
  private let metadata: RowMetadata
  private var lastIdentity: (agent: String, identity: LegacyIdentity)?

  // Reused from row to row.
  private var objectText: [UInt8] = []
  private var metadataText: [UInt8] = []
  private var marks: [(name: String, value: JSON)] = []

  /// The longest of agent, namespace and key together that a B-tree of Postgres takes (a third of a page).
  static let longestKey = 2600
  /// The longest text of a `jsonb`: its parts count their bytes in 28 bits.
  static let longestJSON = 268_000_000

  /// Encodes the rows of `source`.
  init(source: SourceTable, time: LegacyTime, embeddingType: EmbeddingType) {
    self.source = source
    self.time = time
    self.embeddingType = embeddingType
    let table = source.table
    object = RowObject(columns: table.contentColumns.map { (place: $0 + 1, name: table.columns[$0].name) })
    metadata = RowMetadata(table: table.name, database: source.file.relativePath)
  }

  // MARK: - Encoding

  /// Encodes the row that the statement of `scanSQL` stands on.
  ///
  /// - Parameter position: the row's place: its rowid, or its ordinal where that cannot be read.
  mutating func encode(
    _ row: borrowing SQLiteStatement, position: Int64, migratedAt: String,
    into buffer: inout PostgresCopyEncoder
  ) -> Outcome {
    let key = self.key(of: row, position: position)
    let agent = self.agent(of: row)
    let uuid = key.uuid(in: identity(of: agent))

    marks.removeAll(keepingCapacity: true)
    objectText.removeAll(keepingCapacity: true)
    object.append(row, to: &objectText, marks: &marks)
    markKey(key)

    let fields = LegacyFields(table: source.table, time: time) { row.value($0 + 1) }
    if let reason = reasonAgainst(fields, agent: agent, key: key) {
      return .rejected(uuid, key, reason: reason)
    }

    writeMetadata(fields, key: key, migratedAt: migratedAt)
    buffer.beginRow(fields: source.target.columns.count)
    buffer.append(uuid: uuid)
    buffer.append(text: agent)
    buffer.append(jsonb: metadataText)
    switch source.target {
    case .memories: appendMemory(fields, key: key, to: &buffer)
    case .tools: appendTool(fields, key: key, to: &buffer)
    case .metrics: appendMetric(fields, to: &buffer)
    case .executions: appendExecution(fields, to: &buffer)
    case .rows: buffer.append(jsonb: objectText)
    }
    let sourceRow = key.rowID ?? uuid.row
    buffer.append(int8: source.sourceID)
    buffer.append(int8: sourceRow)
    if marks.isEmpty {
      buffer.appendNull()
    } else {
      buffer.append(jsonb: Array(JSON.object(JSONObject(marks)).jsonbText.utf8))
    }
    return .encoded(uuid, sourceRow: sourceRow)
  }

  /// The key of the row that the statement stands on.
  private func key(of row: borrowing SQLiteStatement, position: Int64) -> LegacyKey {
    var values: [SQLiteValue] = []
    for place in source.table.keyColumns { values.append(row.value(place + 1)) }
    return LegacyKey(values: values, rowID: source.table.hasRowID ? position : nil)
  }

  /// Whose the row is: the user's word, else the table's column where it is not empty, else the file's path.
  private func agent(of row: borrowing SQLiteStatement) -> String {
    guard let place = source.agentColumn, let text = LegacyConversion.text(row.value(place + 1)),
      !text.isEmpty
    else { return source.file.agent }
    return text
  }

  private mutating func identity(of agent: String) -> LegacyIdentity {
    if let lastIdentity, lastIdentity.agent.utf8.elementsEqual(agent.utf8) { return lastIdentity.identity }
    let identity = LegacyIdentity(agent: agent, file: source.file.relativePath, table: source.table.name)
    lastIdentity = (agent, identity)
    return identity
  }

  /// Marks the key's values that `legacy_id` does not hold exactly.
  private mutating func markKey(_ key: LegacyKey) {
    for (place, value) in zip(source.table.keyColumns, key.values) {
      if let mark = ExactValue(value).mark { marks.append((source.table.columns[place].name, mark)) }
    }
  }

  private mutating func writeMetadata(_ fields: LegacyFields, key: LegacyKey, migratedAt: String) {
    metadataText.removeAll(keepingCapacity: true)
    var legacyID: [UInt8] = []
    JSONWriter.append(key.json, to: &legacyID)
    metadata.append(
      legacyID: legacyID, legacyRow: source.target.rowColumn.member == nil ? nil : objectText,
      own: fields[.metadata].flatMap(LegacyConversion.metadata), migratedAt: migratedAt, to: &metadataText)
  }

  // MARK: - What Postgres cannot hold

  private func reasonAgainst(_ fields: LegacyFields, agent: String, key: LegacyKey) -> String? {
    if objectText.count > Self.longestJSON {
      return "the row is \(objectText.count) bytes as JSON; jsonb holds \(Self.longestJSON)"
    }
    let indexed: [(name: String, text: String)] =
      switch source.target {
      case .memories: [("namespace", fields.namespace), ("key", fields.key(key))]
      case .tools: [("name", fields.name(key))]
      case .metrics: [("metric_name", fields.metricName)]
      case .executions, .rows: []
      }
    let length = indexed.reduce(agent.utf8.count) { $0 + $1.text.utf8.count }
    guard length > Self.longestKey else { return nil }
    let longest = indexed.max { $0.text.utf8.count < $1.text.utf8.count }?.name ?? "agent_id"
    return "agent and \(longest) are \(length) bytes together; an index of Postgres holds \(Self.longestKey)"
  }

  // MARK: - The four kinds

  private func appendMemory(_ fields: LegacyFields, key: LegacyKey, to buffer: inout PostgresCopyEncoder) {
    buffer.append(text: fields.namespace)
    buffer.append(text: fields.key(key))
    buffer.append(jsonb: objectText)
    switch (fields[.embedding].flatMap(LegacyConversion.embedding), embeddingType) {
    case (nil, _): buffer.appendNull()
    case (let embedding?, .vector): buffer.append(vector: embedding)
    case (let embedding?, .realArray): buffer.append(float4Array: embedding)
    }
    let createdAt = fields.time(.createdAt)
    buffer.append(timestamptz: createdAt)
    buffer.append(timestamptz: fields.time(.updatedAt) ?? createdAt)
    buffer.append(timestamptz: fields.time(.expiresAt))
  }

  private func appendTool(_ fields: LegacyFields, key: LegacyKey, to buffer: inout PostgresCopyEncoder) {
    buffer.append(text: fields.name(key))
    buffer.append(text: fields.text(.description))
    buffer.append(jsonb: objectText)
    buffer.append(bool: fields[.isEnabled].map(LegacyConversion.isEnabled) ?? true)
    buffer.append(int8: fields[.usageCount].map(LegacyConversion.count) ?? 0)
    let createdAt = fields.time(.createdAt)
    buffer.append(timestamptz: createdAt)
    buffer.append(timestamptz: fields.time(.updatedAt) ?? createdAt)
  }

  private func appendMetric(_ fields: LegacyFields, to buffer: inout PostgresCopyEncoder) {
    buffer.append(text: fields.metricName)
    buffer.append(float8: fields[.value].flatMap(LegacyConversion.number))
    buffer.append(text: fields.text(.unit))
    buffer.append(timestamptz: fields.time(.time))
  }

  private func appendExecution(_ fields: LegacyFields, to buffer: inout PostgresCopyEncoder) {
    let error = fields.text(.errorMessage)
    let completedAt = fields.time(.completedAt)
    buffer.append(text: fields.text(.name) ?? source.table.name)
    buffer.append(
      text: LegacyConversion.status(
        fields[.status], columnName: fields.columnName(.status), hasError: error?.isEmpty == false,
        isCompleted: completedAt != nil))
    buffer.append(jsonb: fields.json(.input))
    buffer.append(jsonb: fields.json(.output))
    buffer.append(text: error)
    buffer.append(timestamptz: fields.time(.startedAt))
    buffer.append(timestamptz: completedAt)
    buffer.append(float8: fields.durationMilliseconds)
    buffer.append(timestamptz: fields.time(.createdAt))
  }
}

/// The type of the column `embedding` on the server.
enum EmbeddingType: Sendable {
  case vector, realArray
}
