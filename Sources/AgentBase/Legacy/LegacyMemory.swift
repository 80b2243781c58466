// What a memory that came from a legacy row answers: one rule for the row in SQLite and for the row as imported.

import SQLite

/// The parts of a legacy row that a memory, a tool, a metric or an execution shows beside its columns.
///
/// They are read from the row as a JSON object without its primary key, which is what Postgres holds; the SQLite backend makes
/// the same object from the row.
struct LegacyObject: Sendable {
  /// The row's members, by the columns' names.
  let members: JSONObject
  /// The marks of what JSON does not say, by the columns' names (see `ExactValue`).
  let marks: JSON?

  /// A memory's value: the member that is one, else the whole row.
  var value: MemoryValue {
    guard let name = LegacyTable.valueName(among: members.members.map(\.name)), let json = members[name]
    else {
      return MemoryValue(legacy: .object(members), mark: nil)
    }
    return MemoryValue(legacy: json, mark: marks?[name])
  }

  /// The legacy row's own metadata; empty where it has none that is a JSON object.
  func metadata(_ kind: LegacyKind) -> JSONObject {
    guard let member = member(LegacyRole.metadata.names(in: kind)), marks?[member.name] == nil,
      let text = member.value.stringValue
    else { return [:] }
    return LegacyConversion.metadata(.text(text)) ?? [:]
  }

  /// A tool's configuration: the column of that name, else the whole row.
  var configuration: JSON {
    guard let member = member(LegacyRole.configuration.names(in: .tools)) else { return .object(members) }
    return MemoryValue(legacy: member.value, mark: marks?[member.name]).json
  }

  /// What a tool's row counts beside its uses.
  func counts(uses: Int64) -> ToolCounts {
    func value(_ role: LegacyRole) -> SQLiteValue? {
      member(role.names(in: .tools)).flatMap { ExactValue.value(json: $0.value, mark: marks?[$0.name]) }
    }
    func count(_ role: LegacyRole) -> Int64 { value(role).map(LegacyConversion.count) ?? 0 }
    return ToolCounts(
      uses: uses, successes: count(.successCount), failures: count(.failureCount), timed: count(.timedCount),
      milliseconds: value(.timedMilliseconds).flatMap(LegacyConversion.number) ?? 0,
      lastUsed: value(.lastUsedAt).flatMap(LegacyTime().microseconds))
  }

  /// The first member of one of these names, in any case of letters.
  private func member(_ names: [String]) -> (name: String, value: JSON)? {
    names.lazy.compactMap { name in members.members.first { $0.name.lowercased() == name } }.first
  }
}
