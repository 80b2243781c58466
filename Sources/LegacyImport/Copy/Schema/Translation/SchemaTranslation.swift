// The DDL that makes a SQLite database in Postgres, and all that it cannot make.

/// What to run in Postgres before and after the rows are loaded, and what does not come along.
struct SchemaTranslation: Sendable {
  /// A table of the source and the table of Postgres that takes its rows.
  struct TargetTable: Sendable {
    /// The name in the source.
    var source: String
    /// The name in Postgres.
    var target: String
    /// Whether `before` makes it; else it is there already.
    var isMade: Bool
    var columns: [TargetColumn]
  }

  /// A column of the source and the column of Postgres that takes its values.
  struct TargetColumn: Sendable {
    /// The name by which the source is asked for it: of a virtual table, `rowid` is one of them.
    var source: String
    var target: String
    /// The type, as DDL spells it; nil where the table is there already.
    var type: String?
    /// Whether the source makes the values up from other columns.
    var isGenerated: Bool
    /// Whether Postgres shall do so too. Where the server refuses that, it is a plain column, as the catalogue then says: its
    /// values are to be read from the source and loaded.
    var isGeneratedInPostgres: Bool
  }

  /// A column that hands out numbers, and the highest one that the source has ever given.
  struct Sequence: Sendable, Hashable {
    /// The names in Postgres.
    var table: String
    var column: String
    /// What `sqlite_sequence` says, or the highest key where the table keeps no such line; nil where there is none.
    var lastValue: Int64?
  }

  /// The schema that everything is made in.
  let schema: String
  /// Types, tables with columns, NOT NULL and defaults.
  var before: [Step] = []
  /// Keys, indexes, foreign keys, checks and views: each stands alone.
  var after: [Step] = []
  /// What does not come along, known before the server is asked.
  var omissions: [Omission] = []
  /// Every table that is moved, in the source's order.
  var tables: [TargetTable] = []
  var sequences: [Sequence] = []

  /// Translates a database.
  ///
  /// - Parameters:
  ///   - profiles: of each table, by the source's name in lower case, one profile a column in the table's order.
  ///   - schema: the schema of Postgres in which everything is made; it is made itself where it is missing.
  ///   - existing: the relations of that schema that are there and that no copy has made (`SchemaBuild.existing`).
  ///   - tables: the names of the tables to move, in either case of letters; nil for all.
  init(
    _ source: SourceDatabase, profiles: [String: [ColumnProfile]], schema: String,
    existing: Set<String> = [], tables: Set<String>? = nil
  ) {
    var translator = SchemaTranslator(
      source: source, profiles: profiles, schema: schema, existing: existing, chosen: tables)
    translator.translate()
    self.schema = schema
    before = translator.before
    after = translator.after
    omissions = translator.omissions
    self.tables = translator.tables
    sequences = translator.sequences
  }
}
