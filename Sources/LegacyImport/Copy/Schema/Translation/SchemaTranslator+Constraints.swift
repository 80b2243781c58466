// Foreign keys and checks: what the data break is there for new rows, and named.

import Postgres

extension SchemaTranslator {
  mutating func translateForeignKeys(_ table: SourceDatabase.Table, at place: Int) {
    var names = TargetNames()
    for key in table.foreignKeys {
      let columns = key.columns.map { tables[place].columns[$0].target }
      let name =
        key.name.map { names.give($0) } ?? names.give([tables[place].target] + columns, suffix: "fkey")
      let shown = key.name ?? key.columns.map { table.columns[$0].name }.joined(separator: ", ")
      guard let parent = parent(of: key) else {
        omit(
          .foreignKey, .leftOut, shown, table.name,
          source.table(named: key.parent) == nil
            ? "it refers to the table \(key.parent), which is not there"
            : "it refers to the table \(key.parent), which is not copied")
        continue
      }
      guard parent.columns.count == key.columns.count, !parent.columns.isEmpty else {
        omit(
          .foreignKey, .leftOut, shown, table.name,
          "it refers to columns of \(key.parent) that are not there, or are no key")
        continue
      }
      let referred = parent.columns.map { PostgresIdentifier.quoted($0) }.joined(separator: ", ")
      var sql =
        "ALTER TABLE \(qualified(tables[place].target)) ADD CONSTRAINT \(PostgresIdentifier.quoted(name))"
        + " FOREIGN KEY (\(list(key.columns, of: place))) REFERENCES \(qualified(parent.table)) (\(referred))"
      if key.onDelete != "NO ACTION" { sql += " ON DELETE \(key.onDelete)" }
      if key.onUpdate != "NO ACTION" { sql += " ON UPDATE \(key.onUpdate)" }
      if key.isDeferred { sql += " DEFERRABLE INITIALLY DEFERRED" }
      after.append(
        SchemaTranslation.Step(
          object: .constraint(on: tables[place].target), name: name, sql: sql,
          alternatives: [
            .init(
              states: [.foreignKeyViolation], sql: sql + " NOT VALID",
              omission: Omission(
                kind: .foreignKey, effect: .changed, name: shown, table: table.name,
                reason:
                  "NOT VALID: it holds for new rows, as rows are there that refer to none in \(key.parent)"))
          ],
          omission: Omission(
            kind: .foreignKey, effect: .leftOut, name: shown, table: table.name, reason: "")))
    }
  }

  /// The table in Postgres that a foreign key refers to, and its columns there; nil where it is not there.
  private func parent(of key: SourceDatabase.ForeignKey) -> (table: String, columns: [String])? {
    guard let parent = source.table(named: key.parent) else { return nil }
    let columns = parent.columns(referredToBy: key)
    if let place = moved.firstIndex(where: { $0.name.asciiLowercased == parent.name.asciiLowercased }) {
      return (tables[place].target, columns.map { tables[place].columns[$0].target })
    }
    // Not moved now, but there since before.
    let there = [TargetNames.cut(parent.name), TargetNames.cut(parent.name.lowercased())].first {
      existing.contains($0)
    }
    return there.map { ($0, columns.map { TargetNames.cut(parent.columns[$0].name) }) }
  }

  /// A server without IS JSON can cast, which fails where JSON is malformed: the row is refused all the same.
  private func castingCheck(_ check: SourceDatabase.Check, of table: SourceDatabase.Table) -> String? {
    guard check.expressionSQL.asciiLowercased.contains("json_valid") else { return nil }
    var translator = translator(for: table)
    translator.knowsIsJSON = false
    return try? translator.condition(SQLParser.expression(check.expressionSQL)).sql
  }

  mutating func translateChecks(_ table: SourceDatabase.Table, at place: Int) {
    var names = TargetNames()
    for (number, check) in table.checks.enumerated() {
      let name = names.give(check.name ?? TargetNames.cut("\(tables[place].target)_check\(number + 1)"))
      let shown = check.name ?? check.expressionSQL
      do throws(TranslationRefusal) {
        var translator = translator(for: table)
        let condition = try translator.condition(SQLParser.expression(check.expressionSQL)).sql
        let alter =
          "ALTER TABLE \(qualified(tables[place].target)) ADD CONSTRAINT \(PostgresIdentifier.quoted(name)) CHECK "
        let sql = alter + "(\(condition))"
        var alternatives: [SchemaTranslation.Step.Alternative] = []
        if let casting = castingCheck(check, of: table), casting != condition {
          alternatives.append(
            .init(
              states: [.syntaxError], sql: alter + "(\(casting))",
              omission: Omission(
                kind: .check, effect: .changed, name: shown, table: table.name,
                reason: "a cast to json, which refuses what is malformed: this server has no IS JSON")))
        }
        alternatives.append(
          .init(
            states: [.checkViolation], sql: sql + " NOT VALID",
            omission: Omission(
              kind: .check, effect: .changed, name: shown, table: table.name,
              reason: "NOT VALID: it holds for new rows, as rows are there that break it")))
        after.append(
          SchemaTranslation.Step(
            object: .constraint(on: tables[place].target), name: name, sql: sql,
            alternatives: alternatives,
            omission: Omission(
              kind: .check, effect: .leftOut, name: shown, table: table.name, reason: "")))
      } catch {
        omit(.check, .leftOut, shown, table.name, error.reason)
      }
    }
  }
}
