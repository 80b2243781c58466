// Which columns an expression can name, and what they are called in Postgres.

import Postgres

/// The tables that an expression can take columns of, the innermost query's first.
struct TranslationScope: Sendable {
  /// A column.
  struct Column: Sendable, Hashable {
    /// The source's name.
    var name: String
    /// The name in Postgres.
    var target: String
    var type: ValueType
    /// The collation that comparisons of it take, in upper case; nil for BINARY.
    var collation: String?
    var isNullable = true
    /// What stands for it, in brackets, where it cannot be named: a generated column within another.
    var expression: String?
  }

  /// A table, a view or a query.
  struct Relation: Sendable, Hashable {
    /// The name by which columns name it in the source.
    var name: String
    /// The name in Postgres.
    var target: String
    var columns: [Column]
    /// The place of the column that is the rowid, if there is one.
    var rowIDColumn: Int?
  }

  /// The relations of each query, from the innermost to the outermost.
  var levels: [[Relation]]
  /// Whether columns are written with their table.
  var isQualified: Bool

  init(levels: [[Relation]] = [[]], isQualified: Bool = true) {
    self.levels = levels
    self.isQualified = isQualified
  }

  /// The scope of a table's own constraints and indexes.
  init(_ relation: Relation) {
    self.init(levels: [[relation]], isQualified: false)
  }

  /// A column that was found.
  struct Found: Sendable, Hashable {
    var sql: String
    var column: Column
  }

  /// Finds a column as SQLite does: in either case of ASCII letters, the innermost query's first.
  func find(_ name: SQLColumnName) -> Found? {
    let wanted = name.name.asciiLowercased
    for level in levels {
      for relation in level {
        if let table = name.table, relation.name.asciiLowercased != table.asciiLowercased { continue }
        if let column = relation.columns.first(where: { $0.name.asciiLowercased == wanted })
          ?? (["rowid", "oid", "_rowid_"].contains(wanted)
            ? relation.rowIDColumn.map { relation.columns[$0] } : nil)
        {
          let quoted = PostgresIdentifier.quoted(column.target)
          return Found(
            sql: column.expression
              ?? (isQualified ? PostgresIdentifier.quoted(relation.target) + "." + quoted : quoted),
            column: column)
        }
      }
    }
    return nil
  }
}
