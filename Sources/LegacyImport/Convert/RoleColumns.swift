// Which column of a scan plays which part, looked up without hashing.

import AgentBase

/// The columns of a scan by the parts that they play.
struct RoleColumns: Sendable {
  private var columns = [Int](repeating: 0, count: LegacyRole.allCases.count)

  /// The columns of a table, as the statement of its scan counts them.
  init(_ table: LegacyTable) {
    for (role, place) in table.roles { columns[role.rawValue] = place + 1 }
  }

  /// The column that plays a part; nil where none does. Column 0 of a scan is the rowid.
  subscript(role: LegacyRole) -> Int? {
    let column = columns[role.rawValue]
    return column > 0 ? column : nil
  }
}
