// Writes the metadata of imported rows: the legacy metadata's own keys, and over them where the row comes from.

import AgentBase

/// The metadata of one table's rows, in jsonb's spelling. Its members are, in that order, `legacy` (metrics and
/// executions), `legacy_id`, `migrated_at`, `source_table`, `source_database`.
struct RowMetadata: Sendable {
  private let sourceTable: String
  private let sourceDatabase: String
  private let tail: [UInt8]

  /// The metadata of a table of a file.
  init(table: String, database: String) {
    sourceTable = table
    sourceDatabase = database
    var tail = Array(#"", "source_table": "#.utf8)
    JSONWriter.append(string: table, to: &tail)
    tail.append(contentsOf: #", "source_database": "#.utf8)
    JSONWriter.append(string: database, to: &tail)
    tail.append(UInt8(ascii: "}"))
    self.tail = tail
  }

  /// Appends the metadata of a row.
  ///
  /// - Parameters:
  ///   - legacyID: the primary key, as JSON text.
  ///   - legacyRow: the row as JSON text, where the metadata holds it.
  ///   - own: the members of the legacy metadata, if it is an object.
  ///   - migratedAt: RFC 3339, UTC.
  func append(
    legacyID: [UInt8], legacyRow: [UInt8]?, own: JSONObject?, migratedAt: String, to bytes: inout [UInt8]
  ) {
    if let own, !own.members.isEmpty {
      appendMerged(legacyID: legacyID, legacyRow: legacyRow, own: own, migratedAt: migratedAt, to: &bytes)
      return
    }
    bytes.append(UInt8(ascii: "{"))
    if let legacyRow {
      bytes.append(contentsOf: #""legacy": "#.utf8)
      bytes.append(contentsOf: legacyRow)
      bytes.append(contentsOf: ", ".utf8)
    }
    bytes.append(contentsOf: #""legacy_id": "#.utf8)
    bytes.append(contentsOf: legacyID)
    bytes.append(contentsOf: #", "migrated_at": ""#.utf8)
    bytes.append(contentsOf: migratedAt.utf8)
    bytes.append(contentsOf: tail)
  }

  private func appendMerged(
    legacyID: [UInt8], legacyRow: [UInt8]?, own: JSONObject, migratedAt: String, to bytes: inout [UInt8]
  ) {
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
