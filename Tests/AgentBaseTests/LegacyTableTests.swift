// Tables and columns are recognised by the names of guide 1 and of agents in the field.

import AgentBase
import Testing

@Suite struct LegacyTableTests {
  @Test(
    arguments: [
      ("memory", LegacyKind.memories), ("agent_memory", .memories), ("memories", .memories),
      ("conversation_memory", .memories), ("LongTermMemory", .memories), ("old_memories_2023", .memories),
      ("tools", .tools), ("agent_tools", .tools), ("tool_registry", .tools), ("metrics", .metrics),
      ("performance", .metrics), ("agent_metrics", .metrics), ("execution_log", .executions),
      ("tool_executions", .executions), ("execution_metrics", .executions), ("tool_metrics", .metrics),
      ("memory_tools", .tools),
    ]
  )
  func kinds(name: String, kind: LegacyKind) {
    #expect(LegacyKind(tableName: name) == kind)
  }

  @Test(arguments: ["settings", "users", "sqlite_sequence", "log", ""])
  func otherTables(name: String) { #expect(LegacyKind(tableName: name) == nil) }

  @Test func rolesOfAMemoryTable() {
    let table = LegacyTable(
      name: "agent_memory",
      columns: [
        LegacyColumn(name: "Key", declaredType: "TEXT", keyPlace: 1), LegacyColumn(name: "VALUE"),
        LegacyColumn(name: "content"), LegacyColumn(name: "timestamp"), LegacyColumn(name: "agent_id"),
      ], hasRowID: true)
    #expect(table.roles[.key] == 0)
    #expect(table.roles[.value] == 1)
    #expect(table.roles[.createdAt] == 3)
    #expect(table.roles[.agent] == 4)
    #expect(table.contentColumns == [1, 2, 3, 4])
    #expect(table.rowIDColumn == nil)
    #expect(LegacyTable.valueName(among: ["timestamp", "content", "VALUE"]) == "VALUE")
  }

  @Test func theLibrarysOwnHistoryIsKnownByItsNameAndColumns() {
    let names = [
      "agent_id", "namespace", "key", "version", "content", "metadata", "embedding", "stored_at",
      "replaced_at",
    ]
    let id = LegacyColumn(name: "id", declaredType: "INTEGER", keyPlace: 1)
    let columns = [id] + names.map { LegacyColumn(name: $0) }
    let table = LegacyTable(name: "agentbase_history", columns: columns, hasRowID: true)
    #expect(table.isHistory && table.kind == nil)
    #expect(table.roles[.version] == 4 && table.roles[.updatedAt] == 8 && table.roles[.replacedAt] == 9)
    for other in [
      LegacyTable(name: "history", columns: columns, hasRowID: true),
      LegacyTable(name: "agentbase_history", columns: columns.dropLast(), hasRowID: true),
      LegacyTable(name: "agentbase_history", columns: columns, hasRowID: true, isMapped: false),
    ] {
      #expect(!other.isHistory && other.roles.isEmpty)
    }
  }

  @Test func onlyAColumnSpelledINTEGERIsTheRowID() {
    for (type, isRowID) in [("INTEGER", true), ("integer", true), ("INT", false), ("BIGINT", false)] {
      let column = LegacyColumn(name: "id", declaredType: type, keyPlace: 1)
      #expect((LegacyTable(name: "memory", columns: [column], hasRowID: true).rowIDColumn == 0) == isRowID)
    }
  }
}
