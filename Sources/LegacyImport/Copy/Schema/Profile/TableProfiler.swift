// One scan of a table that describes all of its columns.

import SQLite

extension SourceDatabase {
  /// Scans a table once and describes the values of each of its columns.
  ///
  /// - Throws: `SQLiteError`, as for a corrupt file; `CancellationError`.
  static func profiles(of table: Table, in connection: SQLiteConnection) throws -> [ColumnProfile] {
    var profiles = [ColumnProfile](repeating: ColumnProfile(), count: table.columns.count)
    guard !profiles.isEmpty else { return profiles }
    let json = table.columns.map { DeclaredType($0.declaredType).family == .json }
    var reader: JSONShape? = JSONShape()
    var absent: JSONShape?
    let columns = table.columns.map { "t." + SQLiteIdentifier.quoted($0.name) }.joined(separator: ", ")
    var statement = try connection.prepare(
      "SELECT \(columns) FROM main.\(SQLiteIdentifier.quoted(table.name)) AS t")
    var rows = 0
    while try statement.step() {
      rows += 1
      if rows & 0xFFF == 0 { try Task.checkCancellation() }
      for place in profiles.indices {
        switch statement.storageClass(place) {
        case .null: profiles[place].nulls += 1
        case .integer: profiles[place].add(integer: statement.integer(place))
        case .real: profiles[place].add(real: statement.real(place))
        case .blob: profiles[place].blobs += 1
        case .text:
          unsafe statement.withBytes(place) { bytes in
            if json[place] {
              unsafe profiles[place].add(text: bytes, json: &reader)
            } else {
              unsafe profiles[place].add(text: bytes, json: &absent)
            }
          }
        }
      }
    }
    // Without a text that was read as JSON, nothing is known of the texts as JSON.
    for place in profiles.indices where !json[place] && profiles[place].texts > 0 {
      profiles[place].textsAreJSON = false
      profiles[place].textsFitJSONB = false
    }
    return profiles
  }
}
