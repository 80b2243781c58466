// Which rows of a file are moved, where the library has written some of them twice: into its own tables and into legacy ones.

import AgentBase
import SQLite

extension LegacySchema {
  /// Whether a rollback has written the file, and noted what each row was then.
  var isRestored: Bool {
    tables.contains { table in
      table.table.name == Self.restoredTable && table.table.columns.contains { $0.name == "digest" }
    }
  }

  /// The library's own tables, whose rows a rollback writes.
  static let ownTables: Set<String> = [
    "agentbase_memories", "agentbase_tools", "agentbase_metrics", "agentbase_executions", "agentbase_history",
  ]

  /// A table without the rows of legacy tables that mirror the library's own, without those of its own whose mirrors somebody has
  /// changed, and without what the target is known to have (`RestoredRows`).
  func withoutWrittenTwice(_ table: Table) -> Table {
    guard table.storage == .ordinary else { return table }
    var table = table
    if tables.contains(where: { $0.table.name == MirrorSQL.table }) {
      if Self.ownTables.contains(table.table.name) {
        let legacy = tables.filter { $0.table.kind == table.table.kind && isLegacy($0) }
        if table.table.kind != nil,
          let stands = MirrorSQL.stands(own: table.table.name, among: legacy.map(\.source))
        {
          table.conditions.append(stands)
        }
      } else if isLegacy(table), let isNoMirror = MirrorSQL.isNoMirror(table.source) {
        table.conditions.append(isNoMirror)
      }
    }
    if isRestored, Self.ownTables.contains(table.table.name) {
      table.conditions.append(RestoredRows.isUnknown(in: table.table.name))
    }
    return table
  }

  private func isLegacy(_ table: Table) -> Bool {
    table.storage == .ordinary && table.table.kind != nil && !Self.ownTables.contains(table.table.name)
  }
}

extension LegacySchema.Table {
  fileprivate var source: MirrorSQL.Source { MirrorSQL.Source(table, rowIDName: rowIDName) }
}
