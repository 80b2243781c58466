// Writes the metadata of imported rows: the legacy metadata's own keys, and over them where the row comes from.

import AgentBase

/// The metadata of one table's rows, in jsonb's spelling. Its members are, in that order, `legacy` (metrics and
/// executions), `legacy_id`, `migrated_at`, `source_table`, `source_database`.
struct RowMetadata: Sendable {
  private let sourceTable: String
  private let sourceDatabase: String
  private let origin: [UInt8]
  /// What stands behind the key: the time of the migration, and where the row comes from.
  private var tail: [UInt8] = []

  /// When the rows are moved: RFC 3339, UTC.
  var migratedAt = "" {
    didSet { if migratedAt != oldValue { stamp() } }
  }

  /// The metadata of a table of a file.
  init(table: String, database: String) {
    sourceTable = table
    sourceDatabase = database
    var origin = Array(#"", "source_table": "#.utf8)
    JSONWriter.append(string: table, to: &origin)
    origin.append(contentsOf: #", "source_database": "#.utf8)
    JSONWriter.append(string: database, to: &origin)
    origin.append(UInt8(ascii: "}"))
    self.origin = origin
    stamp()
  }

  private mutating func stamp() {
    tail = Array(#", "migrated_at": ""#.utf8) + Array(migratedAt.utf8) + origin
  }

  // MARK: - A row without metadata of its own

  /// Appends what stands before the legacy row, where the metadata holds it, or else before the key.
  func appendStart(holdsRow: Bool, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: holdsRow ? Self.startWithRow : Self.start)
  }

  /// Appends what stands between the legacy row and the key.
  func appendAfterRow(to bytes: inout [UInt8]) { bytes.append(contentsOf: Self.afterRow) }

  /// Appends what stands behind the key.
  func appendEnd(to bytes: inout [UInt8]) { bytes.append(contentsOf: tail) }

  private static let start = Array(#"{"legacy_id": "#.utf8)
  private static let startWithRow = Array(#"{"legacy": "#.utf8)
  private static let afterRow = Array(#", "legacy_id": "#.utf8)

  // MARK: - A row with metadata of its own

  /// Appends the members of the legacy metadata, and ours over them.
  ///
  /// - Parameters:
  ///   - legacyID: the primary key, as JSON text.
  ///   - legacyRow: the row as JSON text, where the metadata holds it.
  ///   - own: the members of the legacy metadata.
  func appendMerged(legacyID: [UInt8], legacyRow: [UInt8]?, own: JSONObject, to bytes: inout [UInt8]) {
    var texts: [(name: String, text: [UInt8])] = [
      ("legacy_id", legacyID), ("migrated_at", quoted(migratedAt)), ("source_table", quoted(sourceTable)),
      ("source_database", quoted(sourceDatabase)),
    ]
    if let legacyRow { texts.append(("legacy", legacyRow)) }
    let ours = texts.map(\.name)
    for member in own.members where !ours.contains(member.name) {
      var text: [UInt8] = []
      JSONWriter.append(member.value, to: &text)
      texts.append((member.name, text))
    }
    texts.sort { JSONObject.precedes($0.name, $1.name) }
    bytes.append(UInt8(ascii: "{"))
    for (index, member) in texts.enumerated() {
      if index > 0 { bytes.append(contentsOf: ", ".utf8) }
      JSONWriter.append(string: member.name, to: &bytes)
      bytes.append(contentsOf: ": ".utf8)
      bytes.append(contentsOf: member.text)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private func quoted(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    JSONWriter.append(string: text, to: &bytes)
    return bytes
  }
}
