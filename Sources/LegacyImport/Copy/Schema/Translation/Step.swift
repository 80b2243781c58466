// One statement of DDL, with what is done where the server refuses it.

import Postgres

extension SchemaTranslation {
  /// A statement that makes one object.
  struct Step: Sendable {
    /// What the object is, by which its presence is looked up in the catalogue.
    enum Object: Sendable, Hashable {
      case schema
      case table
      case view
      /// An index of `table`.
      case index(on: String)
      /// A constraint of `table`.
      case constraint(on: String)
      /// The default of a column of `table`; `name` is the column's.
      case columnDefault(on: String)
    }

    /// What to run instead where the server refuses.
    struct Alternative: Sendable {
      /// The conditions under which this one is tried; empty for any.
      var states: Set<SQLState> = []
      var sql: String
      /// What the report then says.
      var omission: Omission
    }

    var object: Object
    /// The name in Postgres.
    var name: String
    var sql: String
    /// Tried in turn, each where the ones before were refused.
    var alternatives: [Alternative] = []
    /// What the report says, with the server's words, where all were refused.
    var omission: Omission
    /// The columns of Postgres that it generates, by the name in Postgres; for a table.
    var generated: Set<String> = []
    /// Whether nothing else can go on without it: its refusal is an error, not an omission.
    var isEssential = false
  }
}
