// Runs the DDL of a translation on the server.

import Postgres

/// Makes the objects of a translation in Postgres.
///
/// Both halves may be run again at any time, also after an interruption: what is there already is not made twice.
struct SchemaBuild: Sendable {
  let translation: SchemaTranslation
  let connection: PostgresConnection

  /// Makes the schema, and tables with their columns, in one transaction (a savepoint where one is open). A table that an
  /// earlier copy has made stays as it is.
  ///
  /// - Returns: what the server refused.
  /// - Throws: `PostgresError` where a table cannot be made at all: then nothing is made.
  func before() async throws -> [Omission] {
    try await connection.transaction { connection in
      var omissions: [Omission] = []
      var finished: Set<String> = []
      var refused: Set<String> = []
      for step in translation.before {
        if case .columnDefault(let table) = step.object, refused.contains(table) { continue }
        if case .columnDefault(let table) = step.object, finished.contains(table) {
          if try await !hasDefault(step.name, of: table) {
            var omission = step.omission
            omission.reason += ": the server refused it, or it was dropped since"
            omissions.append(omission)
          }
          continue
        }
        if try await presence(of: step) != nil {
          guard case .table = step.object else { continue }
          finished.insert(step.name)
          if try await !step.generated.subtracting(generatedColumns(of: step.name)).isEmpty,
            let omission = step.alternatives.last?.omission
          {
            omissions.append(omission)
          }
          continue
        }
        if let omission = try await run(step) {
          omissions.append(omission)
          if case .table = step.object, omission.effect == .leftOut { refused.insert(step.name) }
        }
      }
      return omissions
    }
  }

  /// Makes keys, indexes, foreign keys, checks and views, one after the other, each in a transaction of its own (a savepoint
  /// where one is open).
  ///
  /// - Parameter done: the places of steps that were performed already.
  /// - Returns: what the server refused, or took in another form, on this run or an earlier one.
  /// - Throws: `PostgresError` where the connection is lost or the task is cancelled.
  func after(without done: Set<Int> = []) async throws -> [Omission] {
    var omissions: [Omission] = []
    for (place, step) in translation.after.enumerated() where !done.contains(place) {
      try Task.checkCancellation()
      if let omission = try await perform(step) { omissions.append(omission) }
    }
    return omissions
  }

  /// Makes one object of `after` where it is missing. Indexes and keys may be made side by side on several connections; foreign
  /// keys need the keys of their parents first.
  ///
  /// - Returns: what there is to say of it.
  /// - Throws: as `after` does.
  func perform(_ step: SchemaTranslation.Step) async throws -> Omission? {
    switch try await presence(of: step) {
    case nil: return try await run(step)
    case .whole?: return nil
    case .index(let definition)?: return omission(of: step, madeAs: definition)
    case .notValidated?: return try await validate(step)
    }
  }

  /// What an earlier run had to say of an index that it made in another form.
  private func omission(of step: SchemaTranslation.Step, madeAs definition: String) -> Omission? {
    let isUnique = step.sql.hasPrefix("CREATE UNIQUE") || step.sql.contains(" ADD CONSTRAINT ")
    if isUnique, !definition.hasPrefix("CREATE UNIQUE") { return step.alternatives.last?.omission }
    let ofASCII = "COLLATE \"C\""
    guard definition.contains(ofASCII), !step.sql.contains(ofASCII) else { return nil }
    return step.alternatives.first { $0.sql.contains(ofASCII) }?.omission
  }

  // MARK: Running

  /// Runs a step, and its alternatives in turn where the server refuses it.
  private func run(_ step: SchemaTranslation.Step) async throws -> Omission? {
    let refusal: PostgresError
    do {
      try await runAlone(step.sql)
      return nil
    } catch let error as PostgresError where Self.isRefusal(error) {
      refusal = error
    }
    var last = refusal
    for alternative in step.alternatives {
      if let state = last.sqlState, !alternative.states.isEmpty, !alternative.states.contains(state) {
        continue
      }
      do {
        try await runAlone(alternative.sql)
        var omission = alternative.omission
        if alternative.states.isEmpty { omission.reason += " (" + Self.words(refusal) + ")" }
        return omission
      } catch let error as PostgresError where Self.isRefusal(error) {
        last = error
      }
    }
    // A table beyond the server's limits is one that is named; without rights or a schema nothing can be made.
    if step.isEssential, refusal.sqlState?.conditionClass != "54" { throw refusal }
    var omission = step.omission
    omission.reason = [omission.reason, Self.words(refusal)].filter { !$0.isEmpty }.joined(separator: ": ")
    return omission
  }

  private func runAlone(_ sql: String) async throws {
    try await connection.transaction { connection in try await connection.executeScript(sql) }
  }

  /// Whether the server refused this statement, and would take others.
  private static func isRefusal(_ error: PostgresError) -> Bool {
    guard error.code == .server, let state = error.sqlState else { return false }
    // Transactions that collided, resources, operators and disks say nothing about the statement.
    return !["40", "53", "57", "58", "XX"].contains(state.conditionClass)
  }

  private static func words(_ error: PostgresError) -> String {
    "the server says: \(error.description.replacing("\n", with: " "))"
  }

  /// A constraint that was not validated may be now: rows can have been put right.
  private func validate(_ step: SchemaTranslation.Step) async throws -> Omission? {
    guard case .constraint(let table) = step.object else { return nil }
    do {
      let name = PostgresIdentifier.quoted(translation.schema) + "." + PostgresIdentifier.quoted(table)
      try await runAlone(
        "ALTER TABLE \(name) VALIDATE CONSTRAINT \(PostgresIdentifier.quoted(step.name))")
      return nil
    } catch let error as PostgresError where Self.isRefusal(error) {
      return step.alternatives.last?.omission
    }
  }
}
