// The statements of one read and one store as text, for `agentbase bench`, which has pgbench run the very same.

import Postgres

/// A statement of the library, and its parameters in their text form.
package struct MemoryStatementText: Sendable {
  /// The text, with `$1`, `$2`, … for the parameters.
  package let sql: String
  /// What the parameters are, as the server reads them from text; nil for NULL.
  package let parameters: [String?]

  /// The read of a value by its key.
  package static func value(agent: String, key: String) -> MemoryStatementText {
    MemoryStatementText(MemorySQL.value(agent: agent, MemoryName(namespace: "", key: key)))
  }

  /// The store of a value under its key.
  package static func store(agent: String, key: String, value: JSON) -> MemoryStatementText {
    MemoryStatementText(
      MemorySQL.store(
        MemoryDraft(namespace: "", key: key, valueText: value.jsonbText, metadata: [:]), agent: agent))
  }

  private init(_ statement: PostgresStatement) {
    sql = statement.sql
    parameters = statement.values.map { value in
      switch value {
      case .text(let text), .jsonb(let text), .json(let text), .numeric(let text): text
      case .uuid(let uuid): uuid.description
      case .bool(let value): value ? "t" : "f"
      case .int4(let value): String(value)
      case .int8(let value): String(value)
      default: nil
      }
    }
  }
}
