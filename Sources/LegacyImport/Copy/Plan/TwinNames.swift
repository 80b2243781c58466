// Names that differ only in how their letters are composed: to SQLite and Postgres they are two, to a reader one.

extension SourceDatabase {
  /// Takes the tables away that cannot be told from another one, or two columns of which cannot be told from each other: `é` is
  /// spelled as one character in one name and as two in the other. All else goes by names, and would mix them.
  ///
  /// - Returns: the tables that were taken away, and why, one line each.
  mutating func leaveOutTwins() -> [String] {
    var reasons: [String] = []
    var kept: [Table] = []
    for table in tables {
      let words = "only in how its letters are composed: rename it in a copy of the file"
      let columns = table.columns.map(\.name.asciiLowercased)
      if kept.contains(where: { $0.name.asciiLowercased == table.name.asciiLowercased }) {
        reasons.append("table \(table.name) is not copied: its name differs from another table's \(words)")
      } else if let twin = columns.indices.first(where: { columns[..<$0].contains(columns[$0]) }) {
        reasons.append(
          "table \(table.name) is not copied: its column \(table.columns[twin].name) differs from another one \(words)"
        )
      } else {
        kept.append(table)
      }
    }
    tables = kept
    return reasons
  }
}
