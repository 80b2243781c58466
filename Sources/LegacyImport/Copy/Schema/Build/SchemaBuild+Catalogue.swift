// What of a translation is in Postgres already, as its catalogue tells.

import Postgres

extension SchemaBuild {
  /// How an object is there.
  enum Presence: Sendable, Hashable {
    case whole
    /// An index of this definition, which may stand for a constraint that the server had refused.
    case index(String)
    /// A constraint that the rows of before need not keep.
    case notValidated
  }

  /// The relations of a schema that are there and that no copy has made: `SchemaTranslation` makes none of these names.
  ///
  /// Tables and views that a copy makes carry a comment that says so, from the same transaction on; they, their indexes and
  /// their sequences are not among the answer, so that a later run finishes what an earlier one has begun.
  ///
  /// - Throws: `PostgresError`.
  static func existing(in schema: String, on connection: PostgresConnection) async throws -> Set<String> {
    let rows = try await connection.query(
      """
      SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
      LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND c.relkind = 'S'
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
      WHERE n.nspname = \(schema)
        AND obj_description(COALESCE(i.indrelid, d.refobjid, c.oid), 'pg_class') IS DISTINCT FROM
          \(SchemaTranslator.mark)
      """)
    return Set(try rows.map { try $0.decode(0, as: String.self) })
  }

  /// The tables of a schema that a copy has made.
  ///
  /// - Throws: `PostgresError`.
  static func made(in schema: String, on connection: PostgresConnection) async throws -> Set<String> {
    let rows = try await connection.query(
      """
      SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = \(schema) AND c.relkind = 'r'
        AND obj_description(c.oid, 'pg_class') = \(SchemaTranslator.mark)
      """)
    return Set(try rows.map { try $0.decode(0, as: String.self) })
  }

  /// How the object of a step is there; nil where it is not.
  func presence(of step: SchemaTranslation.Step) async throws -> Presence? {
    let schema = translation.schema
    switch step.object {
    case .columnDefault: return nil
    case .schema:
      let row = try await connection.queryOne("SELECT FROM pg_namespace WHERE nspname = \(schema)")
      return row == nil ? nil : .whole
    case .table, .view:
      // A relation of this name that is not ours is none of what is to be made: the server says so.
      let row = try await connection.queryOne(
        """
        SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = \(schema) AND c.relname = \(step.name)
          AND obj_description(c.oid, 'pg_class') = \(SchemaTranslator.mark)
        """)
      return row == nil ? nil : .whole
    case .index(let table): return try await index(step.name, on: table)
    case .constraint(let table):
      let row = try await connection.queryOne(
        """
        SELECT convalidated FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = \(schema) AND c.relname = \(table) AND k.conname = \(step.name)
        """)
      if let row { return try row.decode(0, as: Bool.self) ? .whole : .notValidated }
      // Only of a key can an index stand in its place; another of that name is something else.
      let isKey = step.omission.kind == .primaryKey || step.omission.kind == .uniqueKey
      return isKey ? try await index(step.name, on: table) : nil
    }
  }

  /// Whether a column of a table has a default.
  func hasDefault(_ column: String, of table: String) async throws -> Bool {
    try await connection.queryOne(
      """
      SELECT FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = \(translation.schema) AND c.relname = \(table) AND a.attname = \(column) AND a.atthasdef
      """) != nil
  }

  /// The generated columns of a table.
  func generatedColumns(of table: String) async throws -> Set<String> {
    let rows = try await connection.query(
      """
      SELECT a.attname::text FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      WHERE n.nspname = \(translation.schema) AND c.relname = \(table) AND a.attgenerated <> ''
      """)
    return Set(try rows.map { try $0.decode(0, as: String.self) })
  }

  private func index(_ name: String, on table: String) async throws -> Presence? {
    let row = try await connection.queryOne(
      """
      SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
      JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
      WHERE n.nspname = \(translation.schema) AND t.relname = \(table) AND c.relname = \(name)
      """)
    return try row.map { .index(try $0.decode(0)) }
  }
}
