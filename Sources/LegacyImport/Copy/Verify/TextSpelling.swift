// How the server spells values that it has read from text: `10.0.0.1` as inet is `10.0.0.1/32`.

import AgentBase
import Postgres

/// Asks the server, over a connection of its own, as the other one is busy sending rows meanwhile.
struct TextSpelling: Sendable {
  let connection: PostgresConnection

  /// The rows of a chunk with the values of their text columns as the server spells them.
  /// None of them is rejected: the server takes each.
  func spell(_ chunk: EncodedChunk, of route: TableRoute) async throws -> EncodedChunk {
    var fields = chunk.rows.indices.map {
      Self.fields(of: Array(chunk.bytes(of: $0..<$0 + 1)), route.columns.count)
    }
    for (column, target) in route.columns.map(\.target).enumerated() where target.type.isSentAsText {
      let texts = chunk.rows.indices.compactMap { place in
        fields[place][column].map { (place, String(decoding: $0, as: UTF8.self)) }
      }
      guard !texts.isEmpty else { continue }
      let rows = try await connection.query(
        PostgresStatement(
          sql: """
            SELECT (text::\(target.typeName))::text FROM unnest($1::text[]) WITH ORDINALITY AS t (text, place)
            ORDER BY place
            """, values: [.textArray(texts.map(\.1))]))
      for ((place, _), row) in zip(texts, rows) {
        fields[place][column] = Array(try row.decode(0, as: String.self).utf8)
      }
    }
    var spelled = EncodedChunk(firstRow: chunk.firstRow, lastRow: chunk.lastRow)
    spelled.rejects = chunk.rejects
    for place in chunk.rows.indices {
      spelled.starts.append(spelled.bytes.count)
      spelled.rows.append(chunk.rows[place])
      spelled.bytes.append(bigEndian: Int16(route.columns.count))
      for field in fields[place] {
        spelled.bytes.append(bigEndian: Int32(field?.count ?? -1))
        spelled.bytes += field ?? []
      }
    }
    return spelled
  }

  /// The fields of a row of a binary COPY.
  private static func fields(of row: [UInt8], _ count: Int) -> [[UInt8]?] {
    unsafe row.withUnsafeBytes { bytes in
      var fields = unsafe CopiedFields(bytes)
      return (0..<count).map { _ in unsafe fields.next().map { unsafe Array($0) } }
    }
  }
}
