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

  private var times: MigrationTimes
  private let columns: RoleColumns
  private let object: RowObject
  private var metadata: RowMetadata
  /// Whether the rowid is the whole key, so that no value of a key has to be read.
  private let keyIsRowID: Bool
  /// What metrics and executions are called that have no name of their own.
  private let defaultName: [UInt8]
  private let agentColumn: Int?
  private let fieldCount: Int
  /// The agent of the last row, and the table's identity under it.
  private var agent: (utf8: [UInt8], identity: LegacyIdentity)

  // Reused from row to row.
  private var marks: [(name: String, value: JSON)] = []
  /// The bytes of the JSON object and of the indexed texts of the row under way.
  private var objectLength = 0
  private var indexedLength = 0

  /// The longest of agent, namespace and key together that a B-tree of Postgres takes (a third of a page).
  static let longestKey = 2600
  /// The longest text of a `jsonb`: its parts count their bytes in 28 bits.
  static let longestJSON = 268_000_000

  /// Encodes the rows of `source`.
  ///
  /// - Parameter migratedAt: when they are moved, or were.
  init(source: SourceTable, time: LegacyTime, embeddingType: EmbeddingType, migratedAt: MigrationTimes) {
    self.source = source
    self.time = time
    self.embeddingType = embeddingType
    times = migratedAt
    let table = source.table
    columns = RoleColumns(table)
    object = RowObject(columns: table.contentColumns.map { (place: $0 + 1, name: table.columns[$0].name) })
    metadata = RowMetadata(table: table.name, database: source.file.relativePath)
    keyIsRowID = table.hasRowID && (table.keyColumns.isEmpty || table.rowIDColumn != nil)
    defaultName = Array((table.kind == .metrics ? table.metricName : table.name).utf8)
    agentColumn = source.agentColumn.map { $0 + 1 }
    fieldCount = source.target.columns.count
    agent = (Array(source.file.agent.utf8), Self.identity(of: source.file.agent, source))
  }

  // MARK: - Encoding

  /// Encodes the row that the statement of `scanSQL` stands on.
  ///
  /// - Parameter position: the row's place: its rowid, or its ordinal where that cannot be read.
  mutating func encode(
    _ row: borrowing SQLiteStatement, position: Int64, into buffer: inout PostgresCopyEncoder
  ) -> Outcome {
    let start = buffer.mark()
    let key = keyIsRowID ? nil : self.key(of: row, position: position)
    readAgent(of: row)
    let uuid = key.map { $0.uuid(in: agent.identity) } ?? agent.identity.uuid(key: position)
    let sourceRow = source.table.hasRowID ? position : uuid.row
    marks.removeAll(keepingCapacity: true)
    (objectLength, indexedLength) = (0, agent.utf8.count)
    if let time = times.change(at: position) { metadata.migratedAt = time }

    buffer.beginRow(fields: fieldCount)
    buffer.append(uuid: uuid)
    buffer.append(text: agent.utf8)
    appendMetadata(row, key: key, position: position, to: &buffer)
    switch source.target {
    case .memories: appendMemory(row, key: key, position: position, to: &buffer)
    case .tools: appendTool(row, key: key, position: position, to: &buffer)
    case .metrics: appendMetric(row, to: &buffer)
    case .executions: appendExecution(row, to: &buffer)
    case .history: appendEarlierValue(row, key: key, position: position, to: &buffer)
    case .rows: appendObject(row, to: &buffer)
    }
    buffer.append(int8: source.sourceID)
    buffer.append(int8: sourceRow)
    appendMarks(key: key, to: &buffer)
    guard objectLength <= Self.longestJSON, indexedLength <= Self.longestKey else {
      buffer.rollback(to: start)
      let key = key ?? self.key(of: row, position: position)
      return .rejected(uuid, key, reason: reasonAgainst(row, key: key))
    }
    return .encoded(uuid, sourceRow: sourceRow)
  }

  /// The key of the row that the statement stands on.
  private func key(of row: borrowing SQLiteStatement, position: Int64) -> LegacyKey {
    var values: [SQLiteValue] = []
    for place in source.table.keyColumns { values.append(row.value(place + 1)) }
    return LegacyKey(values: values, rowID: source.table.hasRowID ? position : nil)
  }

  /// Finds out whose the row is: the user's word, else the table's column where it is not empty, else the file's path.
  private mutating func readAgent(of row: borrowing SQLiteStatement) {
    guard let agentColumn else { return }
    if row.storageClass(agentColumn) == .text {
      let isSame = unsafe row.withBytes(agentColumn) { unsafe $0.elementsEqual(agent.utf8) }
      if isSame, !agent.utf8.isEmpty { return }
    }
    let text = LegacyConversion.text(row.value(agentColumn)) ?? ""
    let name = text.isEmpty ? source.file.agent : text
    if agent.utf8.elementsEqual(name.utf8) { return }
    agent = (Array(name.utf8), Self.identity(of: name, source))
  }

  private static func identity(of agent: String, _ source: SourceTable) -> LegacyIdentity {
    LegacyIdentity(agent: agent, file: source.file.relativePath, table: source.table.name)
  }

  // MARK: - What every kind has

  /// The legacy row as a JSON object.
  private mutating func appendObject(_ row: borrowing SQLiteStatement, to buffer: inout PostgresCopyEncoder) {
    let length = buffer.count
    buffer.appendJSONB { object.append(row, to: &$0, marks: &marks) }
    objectLength = buffer.count - length
  }

  private mutating func appendMetadata(
    _ row: borrowing SQLiteStatement, key: LegacyKey?, position: Int64, to buffer: inout PostgresCopyEncoder
  ) {
    let own = columns[.metadata].flatMap { column in
      row.storageClass(column) == .text ? LegacyConversion.metadata(row.value(column)) : nil
    }
    let holdsRow = source.target.rowColumn.member != nil
    buffer.appendJSONB { bytes in
      if let own, !own.members.isEmpty {
        var legacyRow: [UInt8]?
        if holdsRow {
          var text: [UInt8] = []
          object.append(row, to: &text, marks: &marks)
          objectLength = text.count
          legacyRow = text
        }
        var legacyID: [UInt8] = []
        Self.appendKey(key, position: position, to: &legacyID)
        metadata.appendMerged(legacyID: legacyID, legacyRow: legacyRow, own: own, to: &bytes)
        return
      }
      metadata.appendStart(holdsRow: holdsRow, to: &bytes)
      if holdsRow {
        let length = bytes.count
        object.append(row, to: &bytes, marks: &marks)
        objectLength = bytes.count - length
        metadata.appendAfterRow(to: &bytes)
      }
      Self.appendKey(key, position: position, to: &bytes)
      metadata.appendEnd(to: &bytes)
    }
  }

  /// The key as JSON: `legacy_id`.
  private static func appendKey(_ key: LegacyKey?, position: Int64, to bytes: inout [UInt8]) {
    if let key { JSONWriter.append(key.json, to: &bytes) } else { DecimalDigits.append(position, to: &bytes) }
  }

  /// `source_exact`: what JSON does not say of the row, its key included.
  private mutating func appendMarks(key: LegacyKey?, to buffer: inout PostgresCopyEncoder) {
    if let key {
      for (place, value) in zip(source.table.keyColumns, key.values) {
        if let mark = ExactValue(value).mark { marks.append((source.table.columns[place].name, mark)) }
      }
    }
    guard !marks.isEmpty else { return buffer.appendNull() }
    buffer.append(jsonb: Array(JSON.object(JSONObject(marks)).jsonbText.utf8))
  }

  /// A name: the column's text where it is not empty, else the primary key as text.
  private mutating func appendName(
    _ row: borrowing SQLiteStatement, _ column: Int?, key: LegacyKey?, position: Int64,
    to buffer: inout PostgresCopyEncoder
  ) {
    let length = buffer.count
    if !buffer.append(nameOf: row, column) {
      if let key {
        buffer.append(text: key.text)
      } else {
        buffer.appendField { DecimalDigits.append(position, to: &$0) }
      }
    }
    indexedLength += buffer.count - length - 4
  }

  // MARK: - What Postgres cannot hold

  private func reasonAgainst(_ row: borrowing SQLiteStatement, key: LegacyKey) -> String {
    if objectLength > Self.longestJSON {
      return "the row is \(objectLength) bytes as JSON; jsonb holds \(Self.longestJSON)"
    }
    let fields = LegacyFields(table: source.table, time: time) { row.value($0 + 1) }
    let indexed: [(name: String, text: String)] =
      switch source.target {
      case .memories, .history: [("namespace", fields.namespace), ("key", fields.key(key))]
      case .tools: [("name", fields.name(key))]
      case .metrics: [("metric_name", fields.metricName)]
      case .executions, .rows: []
      }
    let longest = indexed.max { $0.text.utf8.count < $1.text.utf8.count }?.name ?? "agent_id"
    return
      "agent and \(longest) are \(indexedLength) bytes together; an index of Postgres holds \(Self.longestKey)"
  }

  // MARK: - The four kinds

  private mutating func appendMemory(
    _ row: borrowing SQLiteStatement, key: LegacyKey?, position: Int64, to buffer: inout PostgresCopyEncoder
  ) {
    appendMemoryName(row, key: key, position: position, to: &buffer)
    appendObject(row, to: &buffer)
    appendEmbedding(row, as: embeddingType, to: &buffer)
    let createdAt = row.time(columns[.createdAt], time)
    buffer.append(timestamptz: createdAt)
    buffer.append(timestamptz: row.time(columns[.updatedAt], time) ?? createdAt)
    buffer.append(timestamptz: row.time(columns[.expiresAt], time))
  }

  /// The namespace and the key.
  private mutating func appendMemoryName(
    _ row: borrowing SQLiteStatement, key: LegacyKey?, position: Int64,
    to buffer: inout PostgresCopyEncoder
  ) {
    let length = buffer.count
    if !buffer.append(nameOf: row, columns[.namespace]) { buffer.append(text: "") }
    indexedLength += buffer.count - length - 4
    appendName(row, columns[.key], key: key, position: position, to: &buffer)
  }

  private func appendEmbedding(
    _ row: borrowing SQLiteStatement, as type: EmbeddingType, to buffer: inout PostgresCopyEncoder
  ) {
    let embedding = columns[.embedding].flatMap { column in
      row.storageClass(column) == .null ? nil : LegacyConversion.embedding(row.value(column))
    }
    switch (embedding, type) {
    case (nil, _): buffer.appendNull()
    case (let embedding?, .vector): buffer.append(vector: embedding)
    case (let embedding?, .realArray): buffer.append(float4Array: embedding)
    }
  }

  /// An earlier value of a memory. Its number is never NULL, which tells it from an imported row that was deleted since.
  private mutating func appendEarlierValue(
    _ row: borrowing SQLiteStatement, key: LegacyKey?, position: Int64,
    to buffer: inout PostgresCopyEncoder
  ) {
    appendMemoryName(row, key: key, position: position, to: &buffer)
    buffer.append(int8: columns[.version].flatMap { row.value($0).int64 } ?? 0)
    appendObject(row, to: &buffer)
    appendEmbedding(row, as: .realArray, to: &buffer)
    buffer.append(timestamptz: row.time(columns[.updatedAt], time))
    buffer.append(timestamptz: row.time(columns[.replacedAt], time))
  }

  private mutating func appendTool(
    _ row: borrowing SQLiteStatement, key: LegacyKey?, position: Int64, to buffer: inout PostgresCopyEncoder
  ) {
    appendName(row, columns[.name], key: key, position: position, to: &buffer)
    buffer.append(textOf: row, columns[.description])
    appendObject(row, to: &buffer)
    buffer.append(bool: columns[.isEnabled].map { LegacyConversion.isEnabled(row.value($0)) } ?? true)
    buffer.append(int8: columns[.usageCount].map { LegacyConversion.count(row.value($0)) } ?? 0)
    let createdAt = row.time(columns[.createdAt], time)
    buffer.append(timestamptz: createdAt)
    buffer.append(timestamptz: row.time(columns[.updatedAt], time) ?? createdAt)
  }

  private mutating func appendMetric(_ row: borrowing SQLiteStatement, to buffer: inout PostgresCopyEncoder) {
    let length = buffer.count
    if !buffer.append(nameOf: row, columns[.name]) { buffer.append(text: defaultName) }
    indexedLength += buffer.count - length - 4
    buffer.append(float8: row.number(columns[.value]))
    buffer.append(textOf: row, columns[.unit])
    buffer.append(timestamptz: row.time(columns[.time], time))
  }

  private mutating func appendExecution(
    _ row: borrowing SQLiteStatement, to buffer: inout PostgresCopyEncoder
  ) {
    let completedAt = row.time(columns[.completedAt], time)
    if row.isNull(columns[.name]) {
      buffer.append(text: defaultName)
    } else {
      buffer.append(textOf: row, columns[.name])
    }
    appendStatus(row, isCompleted: completedAt != nil, to: &buffer)
    buffer.append(jsonOf: row, columns[.input])
    buffer.append(jsonOf: row, columns[.output])
    buffer.append(textOf: row, columns[.errorMessage])
    buffer.append(timestamptz: row.time(columns[.startedAt], time))
    buffer.append(timestamptz: completedAt)
    buffer.append(
      float8: row.number(columns[.durationMilliseconds])
        ?? row.number(columns[.durationSeconds]).map { $0 * 1000 })
    buffer.append(timestamptz: row.time(columns[.createdAt], time))
  }

  /// The status: the column's text as it is, anything else as `LegacyConversion.status` reads it.
  private func appendStatus(
    _ row: borrowing SQLiteStatement, isCompleted: Bool, to buffer: inout PostgresCopyEncoder
  ) {
    let column = columns[.status]
    if let column, row.storageClass(column) == .text { return buffer.append(textOf: row, column) }
    let error = columns[.errorMessage].flatMap { LegacyConversion.text(row.value($0)) }
    buffer.append(
      text: LegacyConversion.status(
        column.map { row.value($0) }, columnName: column.map { source.table.columns[$0 - 1].name },
        hasError: error?.isEmpty == false, isCompleted: isCompleted))
  }
}

/// The type of the column `embedding` on the server.
enum EmbeddingType: Sendable {
  case vector, realArray
}
