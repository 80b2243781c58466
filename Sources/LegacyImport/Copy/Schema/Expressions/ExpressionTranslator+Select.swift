// Queries, as views hold them.

import Postgres

extension ExpressionTranslator {
  /// Translates a query.
  ///
  /// - Returns: its SQL, and the columns that it answers.
  mutating func select(_ query: SQLSelect) throws(TranslationRefusal) -> (
    sql: String, columns: [TranslationScope.Column]
  ) {
    let outer = (scope, commonTables, resultNames)
    defer { (scope, commonTables, resultNames) = outer }
    var sql = ""
    if !query.commonTables.isEmpty {
      var tables: [String] = []
      for table in query.commonTables { tables.append(try commonTable(table, query.isRecursive)) }
      sql += "WITH \(query.isRecursive ? "RECURSIVE " : "")\(tables.joined(separator: ", ")) "
    }
    var columns: [TranslationScope.Column] = []
    for (place, core) in query.cores.enumerated() {
      let isLast = place == query.cores.count - 1
      // ORDER BY of a single SELECT may name any column of its tables.
      let (text, answered, inner) = try self.core(core)
      if place == 0 { columns = answered }
      if place > 0 { sql += " \(query.operators[place - 1]) " }
      sql += text
      if isLast, query.cores.count == 1 { scope = inner }
    }
    if !query.order.isEmpty {
      for column in columns { resultNames[column.name.asciiLowercased] = column.target }
      if query.cores.count > 1 { scope.levels.insert([], at: 0) }
      sql += " ORDER BY " + (try order(query.order, results: columns))
    }
    if let limit = query.limit { sql += " LIMIT \(try translate(limit).operand)" }
    if let offset = query.offset { sql += " OFFSET \(try translate(offset).operand)" }
    return (sql, columns)
  }

  private mutating func commonTable(_ table: SQLSelect.CommonTable, _ isRecursive: Bool)
    throws(TranslationRefusal) -> String
  {
    let name = table.name.asciiLowercased
    if isRecursive {
      // It reads itself: its columns are known by name alone.
      commonTables[name] = TranslationScope.Relation(
        name: table.name, target: table.name,
        columns: table.columns.map {
          TranslationScope.Column(name: $0, target: $0, type: .unknown, collation: nil)
        })
    }
    let (sql, answered) = try select(table.query)
    let columns = answered.enumerated().map { place, column in
      var column = column
      if place < table.columns.count {
        (column.name, column.target) = (table.columns[place], table.columns[place])
      }
      return column
    }
    commonTables[name] = TranslationScope.Relation(name: table.name, target: table.name, columns: columns)
    let list = columns.map { PostgresIdentifier.quoted($0.target) }.joined(separator: ", ")
    return "\(PostgresIdentifier.quoted(table.name))(\(list)) AS (\(sql))"
  }

  // MARK: One SELECT

  private mutating func core(_ core: SQLSelect.Core) throws(TranslationRefusal) -> (
    sql: String, columns: [TranslationScope.Column], scope: TranslationScope
  ) {
    let outer = (scope, resultNames)
    defer { (scope, resultNames) = outer }
    scope.isQualified = true
    if !core.rows.isEmpty { return try values(core.rows) }
    scope.levels.insert([], at: 0)
    var source = ""
    if let from = core.source { source = " FROM " + (try self.source(from)) }
    var sql = "SELECT " + (core.isDistinct ? "DISTINCT " : "")
    let (results, columns) = try results(core.results)
    sql += results.joined(separator: ", ") + source
    if let condition = core.condition { sql += " WHERE \(try self.condition(condition).sql)" }
    // SQLite lets GROUP BY and HAVING name results.
    for column in columns { resultNames[column.name.asciiLowercased] = column.target }
    if !core.groups.isEmpty {
      let groups = try core.groups.map { (group) throws(TranslationRefusal) in try translate(group).sql }
      sql += " GROUP BY " + groups.joined(separator: ", ")
    }
    if let having = core.having { sql += " HAVING \(try condition(having).sql)" }
    return (sql, columns, scope)
  }

  private mutating func values(_ rows: [[SQLExpression]]) throws(TranslationRefusal) -> (
    sql: String, columns: [TranslationScope.Column], scope: TranslationScope
  ) {
    var lines: [String] = []
    var columns: [TranslationScope.Column] = []
    for row in rows {
      let items = try row.map { (item) throws(TranslationRefusal) in try translate(item) }
      lines.append("(" + items.map(\.sql).joined(separator: ", ") + ")")
      guard columns.isEmpty else { continue }
      columns = items.enumerated().map {
        TranslationScope.Column(
          name: "column\($0.offset + 1)", target: "column\($0.offset + 1)", type: $0.element.type)
      }
    }
    return ("VALUES " + lines.joined(separator: ", "), columns, scope)
  }

  private mutating func results(_ results: [SQLSelect.ResultColumn]) throws(TranslationRefusal) -> (
    [String], [TranslationScope.Column]
  ) {
    var items: [String] = []
    var columns: [TranslationScope.Column] = []
    for result in results {
      switch result {
      case .all(let table):
        for relation in scope.levels[0]
        where table == nil || relation.name.asciiLowercased == table?.asciiLowercased {
          for column in relation.columns {
            items.append(
              PostgresIdentifier.quoted(relation.target) + "." + PostgresIdentifier.quoted(column.target))
            columns.append(column)
          }
        }
      case .expression(let expression, let alias, let text):
        let value = try translate(expression)
        let name: String =
          if let alias { alias } else if case .column(let column) = expression {
            scope.find(column)?.column.target ?? column.name
          } else { text }
        // A string as it is written has no type of its own.
        let item = value.type == .unknown && value.literal != nil ? "\(value.operand)::text" : value.sql
        let target = TargetNames.cut(name)
        items.append("\(item) AS \(PostgresIdentifier.quoted(target))")
        columns.append(
          TranslationScope.Column(
            name: name, target: target, type: value.type == .extracted ? .text : value.type,
            collation: collation(of: expression)))
      }
    }
    return (items, columns)
  }

  // MARK: Where it reads

  private mutating func source(_ source: SQLSelect.Source) throws(TranslationRefusal) -> String {
    switch source {
    case .table(let name, let alias): return try table(name, alias)
    case .query(let query, let alias):
      let (sql, columns) = try select(query)
      let name = alias ?? "query_\(scope.levels[0].count + 1)"
      scope.levels[0].append(TranslationScope.Relation(name: name, target: name, columns: columns))
      return "(\(sql)) AS \(PostgresIdentifier.quoted(name))"
    case .join(let left, let kind, let right, let on, let using):
      let first = try self.source(left)
      let second = try self.source(right)
      if kind.hasPrefix("NATURAL") { throw TranslationRefusal("it has a NATURAL JOIN") }
      var sql = "\(first) \(on == nil && using.isEmpty ? "CROSS JOIN" : kind) \(second)"
      if on == nil, using.isEmpty, kind.contains("LEFT") || kind.contains("FULL") || kind.contains("RIGHT") {
        sql = "\(first) \(kind) \(second) ON true"
      } else if let on {
        let joined = kind == "CROSS JOIN" ? "INNER JOIN" : kind
        sql = "\(first) \(joined) \(second) ON \(try condition(on).sql)"
      } else if !using.isEmpty {
        let names = try using.map { (name) throws(TranslationRefusal) -> String in
          guard let found = scope.find(SQLColumnName(table: nil, name: name)) else {
            throw TranslationRefusal("there is no column \(name)")
          }
          return PostgresIdentifier.quoted(found.column.target)
        }
        sql += " USING (\(names.joined(separator: ", ")))"
      }
      return sql
    }
  }

  private mutating func table(_ name: String, _ alias: String?) throws(TranslationRefusal) -> String {
    let key = name.asciiLowercased
    let reference: String
    var relation: TranslationScope.Relation
    if let common = commonTables[key] {
      (relation, reference) = (common, PostgresIdentifier.quoted(common.target))
    } else if let known = relations[key] {
      relation = known
      reference = PostgresIdentifier.quoted(schema) + "." + PostgresIdentifier.quoted(known.target)
    } else {
      throw TranslationRefusal("it reads \(name), which is not copied")
    }
    if let alias { (relation.name, relation.target) = (alias, alias) }
    scope.levels[0].append(relation)
    return alias.map { "\(reference) AS \(PostgresIdentifier.quoted($0))" } ?? reference
  }

  // MARK: Order

  private func isNullable(_ expression: SQLExpression) -> Bool {
    switch expression {
    case .column(let name): scope.find(name)?.column.isNullable ?? true
    case .call(let call): call.name != "count" && call.name != "row_number"
    default: true
    }
  }

  mutating func order(_ terms: [SQLOrderTerm], results: [TranslationScope.Column] = [])
    throws(TranslationRefusal) -> String
  {
    var items: [String] = []
    for term in terms {
      var item: String
      if case .integer(let place) = term.expression {
        item = place
      } else if case .column(let name) = term.expression, name.table == nil,
        let result = results.first(where: { $0.name.asciiLowercased == name.name.asciiLowercased })
      {
        item = PostgresIdentifier.quoted(result.target)
      } else {
        item = try translate(term.expression).sql
      }
      if term.isDescending { item += " DESC" }
      // NULL is the least in SQLite and the greatest in Postgres; without need, it keeps indexes from being used.
      let nullsFirst =
        term.nullsFirst ?? (isNullable(term.expression) ? !term.isDescending : term.isDescending)
      if nullsFirst != term.isDescending { item += nullsFirst ? " NULLS FIRST" : " NULLS LAST" }
      items.append(item)
    }
    return items.joined(separator: ", ")
  }
}
