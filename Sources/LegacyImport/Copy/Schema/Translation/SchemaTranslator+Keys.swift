// Primary keys, UNIQUE constraints and indexes.

import Postgres

extension SchemaTranslator {
  mutating func translateKeys(_ table: SourceDatabase.Table, at place: Int) {
    if let key = table.primaryKey { translatePrimaryKey(key, of: table, at: place) }
    for key in table.uniqueKeys {
      let columns = key.parts.map { tables[place].columns[$0.column].target }
      let name =
        key.name.map { names.give($0) } ?? names.give([tables[place].target] + columns, suffix: "key")
      translateUnique(key, named: name, of: table, at: place, kind: .uniqueKey)
    }
  }

  private mutating func translatePrimaryKey(
    _ key: SourceDatabase.Key, of table: SourceDatabase.Table, at place: Int
  ) {
    let name = key.name.map { names.give($0) } ?? names.give([tables[place].target], suffix: "pkey")
    let columns = key.parts.map(\.column)
    let shown = key.name ?? columns.map { table.columns[$0].name }.joined(separator: ", ")
    let nulls = columns.map { profile(of: table, $0).nulls }.reduce(0, +)
    let asUnique = Omission(
      kind: .primaryKey, effect: .changed, name: shown, table: table.name,
      reason: "a UNIQUE constraint, as rows have NULL in the key")
    if nulls > 0 {
      omissions.append(asUnique)
      translateUnique(key, named: name, of: table, at: place, kind: .primaryKey)
      return
    }
    let alter =
      "ALTER TABLE \(qualified(tables[place].target)) ADD CONSTRAINT \(PostgresIdentifier.quoted(name))"
    let index = "CREATE INDEX \(PostgresIdentifier.quoted(name)) ON \(qualified(tables[place].target))"
    after.append(
      SchemaTranslation.Step(
        object: .constraint(on: tables[place].target), name: name,
        sql: "\(alter) PRIMARY KEY (\(list(columns, of: place)))",
        alternatives: [
          .init(
            states: ["23502"], sql: "\(alter) UNIQUE (\(list(columns, of: place)))", omission: asUnique),
          .init(
            states: [.uniqueViolation], sql: "\(index) (\(list(columns, of: place)))",
            omission: Omission(
              kind: .primaryKey, effect: .changed, name: shown, table: table.name,
              reason: "an index that is not unique, as rows are there whose keys are equal in Postgres")),
        ],
        omission: Omission(
          kind: .primaryKey, effect: .leftOut, name: shown, table: table.name, reason: "")))
    if key.parts.contains(where: { folds($0, in: table) }) {
      let folded = names.give(
        [tables[place].target] + columns.map { tables[place].columns[$0].target }, suffix: "key")
      after.append(foldedKey(key, named: folded, of: table, at: place, kind: .primaryKey))
    }
  }

  private mutating func translateUnique(
    _ key: SourceDatabase.Key, named name: String, of table: SourceDatabase.Table, at place: Int,
    kind: Omission.Kind
  ) {
    let columns = key.parts.map(\.column)
    var plainName = name
    if key.parts.contains(where: { folds($0, in: table) }) {
      after.append(foldedKey(key, named: name, of: table, at: place, kind: kind))
      // A foreign key needs the columns themselves unique.
      guard isReferredTo(columns, of: table) else { return }
      plainName = names.give(name)
    }
    let target = qualified(tables[place].target)
    let shown = key.name ?? columns.map { table.columns[$0].name }.joined(separator: ", ")
    after.append(
      SchemaTranslation.Step(
        object: .constraint(on: tables[place].target), name: plainName,
        sql:
          "ALTER TABLE \(target) ADD CONSTRAINT \(PostgresIdentifier.quoted(plainName)) UNIQUE (\(list(columns, of: place)))",
        alternatives: [
          .init(
            states: [.uniqueViolation],
            sql:
              "CREATE INDEX \(PostgresIdentifier.quoted(plainName)) ON \(target) (\(list(columns, of: place)))",
            omission: Omission(
              kind: kind, effect: .changed, name: shown, table: table.name,
              reason: "an index that is not unique, as rows are there whose keys are equal in Postgres"))
        ],
        omission: Omission(kind: kind, effect: .leftOut, name: shown, table: table.name, reason: "")))
  }

  private func isReferredTo(_ columns: [Int], of table: SourceDatabase.Table) -> Bool {
    moved.contains { child in
      child.foreignKeys.contains { key in
        key.parent.asciiLowercased == table.name.asciiLowercased
          && Set(table.columns(referredToBy: key)) == Set(columns)
      }
    }
  }

  // MARK: Keys that fold letters

  /// Whether a key compares a column of text by a collation of SQLite's that an expression stands for.
  private func folds(_ part: SourceDatabase.KeyPart, in table: SourceDatabase.Table) -> Bool {
    guard part.collation == "NOCASE" || part.collation == "RTRIM" else { return false }
    return type(of: table, part.column).type.comparison == .text
  }

  private func folded(_ column: String, _ collation: String?, ofASCII: Bool = false) -> String {
    switch collation {
    case "NOCASE"?: "lower(\(column)\(ofASCII ? " COLLATE \"C\"" : ""))"
    case "RTRIM"?: "rtrim(\(column), ' ')"
    default: column
    }
  }

  private func foldedKey(
    _ key: SourceDatabase.Key, named name: String, of table: SourceDatabase.Table, at place: Int,
    kind: Omission.Kind
  ) -> SchemaTranslation.Step {
    func sql(unique: String, ofASCII: Bool) -> String {
      let parts = key.parts.map { part in
        let column = PostgresIdentifier.quoted(tables[place].columns[part.column].target)
        return folds(part, in: table) ? folded(column, part.collation, ofASCII: ofASCII) : column
      }
      return
        "CREATE \(unique)INDEX \(PostgresIdentifier.quoted(name)) ON \(qualified(tables[place].target)) (\(parts.joined(separator: ", ")))"
    }
    let shown = key.name ?? key.parts.map { table.columns[$0.column].name }.joined(separator: ", ")
    func omission(_ effect: Omission.Effect, _ reason: String) -> Omission {
      Omission(kind: kind, effect: effect, name: shown, table: table.name, reason: reason)
    }
    return SchemaTranslation.Step(
      object: .index(on: tables[place].target), name: name, sql: sql(unique: "UNIQUE ", ofASCII: false),
      alternatives: [
        // NOCASE folds the letters of ASCII alone.
        .init(
          states: [.uniqueViolation], sql: sql(unique: "UNIQUE ", ofASCII: true),
          omission: omission(
            .changed, "unique by the case of ASCII letters alone, as in SQLite: lower(… COLLATE \"C\")")),
        .init(
          states: [.uniqueViolation], sql: sql(unique: "", ofASCII: false),
          omission: omission(
            .changed, "an index that is not unique, as rows are there whose keys are equal in Postgres")),
      ], omission: omission(.leftOut, ""))
  }

  // MARK: Indexes

  mutating func translateIndexes(_ table: SourceDatabase.Table, at place: Int) {
    for index in table.indexes {
      let name = indexNames[index.name] ?? names.give(index.name)
      if name != index.name {
        omit(.name, .changed, index.name, table.name, "the index is \(name) in Postgres")
      }
      do throws(TranslationRefusal) {
        after.append(try step(for: index, named: name, of: table, at: place))
      } catch {
        omit(.index, .leftOut, index.name, table.name, error.reason)
      }
    }
  }

  private func step(
    for index: SourceDatabase.Index, named name: String, of table: SourceDatabase.Table, at place: Int
  ) throws(TranslationRefusal) -> SchemaTranslation.Step {
    var parts: [String] = []
    for part in index.parts { parts.append(try self.part(part, of: table, at: place)) }
    var condition = ""
    if let sql = index.conditionSQL {
      var translator = translator(for: table)
      condition = " WHERE " + (try translator.condition(SQLParser.expression(sql)).sql)
    }
    let body =
      "INDEX \(PostgresIdentifier.quoted(name)) ON \(qualified(tables[place].target)) (\(parts.joined(separator: ", ")))\(condition)"
    var step = SchemaTranslation.Step(
      object: .index(on: tables[place].target), name: name,
      sql: "CREATE \(index.isUnique ? "UNIQUE " : "")\(body)",
      omission: Omission(
        kind: .index, effect: .leftOut, name: index.name, table: table.name, reason: ""))
    if index.isUnique {
      step.alternatives = [
        .init(
          states: [.uniqueViolation], sql: "CREATE \(body)",
          omission: Omission(
            kind: .index, effect: .changed, name: index.name, table: table.name,
            reason: "it is not unique, as rows are there whose keys are equal in Postgres"))
      ]
    }
    return step
  }

  private func part(_ part: SourceDatabase.IndexPart, of table: SourceDatabase.Table, at place: Int)
    throws(TranslationRefusal) -> String
  {
    var text: String
    if let column = part.column {
      text = PostgresIdentifier.quoted(tables[place].columns[column].target)
      let keyPart = SourceDatabase.KeyPart(column: column, collation: part.collation)
      if folds(keyPart, in: table) {
        text = folded(text, part.collation)
      } else if let collation = part.collation, collation != "NOCASE", collation != "RTRIM" {
        throw TranslationRefusal("the collation \(collation) is the application's own")
      }
    } else {
      var translator = translator(for: table)
      text = "(" + (try translator.translate(SQLParser.expression(part.expressionSQL ?? "")).sql) + ")"
    }
    return part.isDescending ? text + " DESC" : text
  }
}
