// Views, in the order in which they read one another.

import Postgres

extension SchemaTranslator {
  /// The views whose tables are all moved or there, with the names that they get.
  mutating func nameViews() -> [(name: String, target: String, view: SourceDatabase.View)] {
    var views: [(name: String, target: String, view: SourceDatabase.View)] = []
    for view in source.views {
      if existing.contains(TargetNames.cut(view.name)) {
        omit(.view, .leftOut, view.name, nil, "a relation of this name is there")
        continue
      }
      let target = names.give(view.name)
      if target != view.name { omit(.name, .changed, view.name, nil, "the view is \(target) in Postgres") }
      views.append((view.name, target, view))
    }
    return views
  }

  mutating func translateViews(_ views: [(name: String, target: String, view: SourceDatabase.View)]) {
    var waiting = views
    var refusals: [String: String] = [:]
    // A view may read another that was made after it.
    while true {
      var later: [(name: String, target: String, view: SourceDatabase.View)] = []
      for item in waiting {
        do throws(TranslationRefusal) {
          try translateView(item.view, named: item.target)
        } catch {
          refusals[item.name] = error.reason
          later.append(item)
        }
      }
      if later.count == waiting.count { break }
      waiting = later
    }
    for item in waiting {
      omit(.view, .leftOut, item.name, nil, refusals[item.name] ?? "it is not understood")
    }
  }

  private mutating func translateView(_ view: SourceDatabase.View, named target: String)
    throws(TranslationRefusal)
  {
    let (declared, query) = try SQLParser.view(view.sql)
    var translator = ExpressionTranslator(scope: TranslationScope(levels: []))
    translator.relations = relations
    translator.schema = schema
    var (sql, columns) = try translator.select(query)
    // The names that SQLite gives the columns, each once.
    let names = declared.isEmpty ? view.columns : declared
    var given = TargetNames()
    for place in columns.indices {
      if place < names.count { columns[place].name = names[place] }
      columns[place].target = given.give(columns[place].name)
      columns[place].collation = nil
    }
    let list = columns.map { PostgresIdentifier.quoted($0.target) }.joined(separator: ", ")
    sql =
      "CREATE VIEW \(qualified(target)) (\(list)) AS \(sql);\nCOMMENT ON VIEW \(qualified(target)) IS '\(Self.mark)'"
    after.append(
      SchemaTranslation.Step(
        object: .view, name: target, sql: sql,
        omission: Omission(kind: .view, effect: .leftOut, name: view.name, table: nil, reason: "")))
    relations[view.name.asciiLowercased] = TranslationScope.Relation(
      name: view.name, target: target, columns: columns)
  }
}
