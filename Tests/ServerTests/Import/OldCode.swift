// The SQL of agents' old code, file by file of the fleet, and what it finds of what agents have written in Postgres.

import SQLite
import Testing

/// What the old code of an agent asks its file, and what is there of the new things.
struct OldCode: Sendable, CustomTestStringConvertible {
  var file: String
  var agent: String
  var reads: [(query: String, rows: [[SQLiteValue]])]
  /// The library's tables whose new rows the file's tables have no place for.
  var beside: Set<String> = []

  var testDescription: String { file }
}

extension OldCode {
  static let fleet: [OldCode] = [
    OldCode(
      file: "operational/crawler/memory.db", agent: "operational_crawler",
      reads: [
        // retrieve_memory(query, limit), guide 1.
        (
          "SELECT content FROM memory WHERE content LIKE '%example.org%' ORDER BY timestamp DESC LIMIT 5",
          [[#"{"page": "https://example.org"}"#]]
        ),
        ("SELECT content FROM recent_memory WHERE content LIKE 'plain%'", [["plain words"]]),
        (
          "SELECT name, description, config, enabled, usage_count FROM tools WHERE name LIKE 'since%'",
          [["since tool", "new", #"{"k": 1.5}"#, 1, 2]]
        ),
        (
          "SELECT metric_name, value, unit, timestamp FROM metrics WHERE metric_name = 'since'",
          [["since", 2.5, "ms", "2025-06-15 15:06:40"]]
        ),
        (
          "SELECT task, status, result, error, finished_at >= started_at FROM execution_log WHERE task LIKE 'since%'",
          [["since task", "completed", #"{"o": 1}"#, .null, 1]]
        ),
      ]),
    OldCode(
      file: "research/analyst/agent.sqlite", agent: "research_analyst",
      reads: [
        (
          "SELECT value, metadata, created_at > 1700000000000 FROM agent_memory WHERE key = 'since:1'",
          [[#"{"page": "https://example.org"}"#, #"{"m": 1}"#, 1]]
        ),
        (
          "SELECT description, parameters, is_active, call_count, registered_at > 1.7e9 FROM tool_registry WHERE tool_name LIKE 'since%'",
          [["new", #"{"k": 1.5}"#, 1, 2, 1]]
        ),
        (
          "SELECT score, metadata, recorded_at FROM performance WHERE metric = 'since'",
          [[2.5, #"{"m": 1}"#, "2025-06-15T15:06:40.500Z"]]
        ),
      ], beside: ["agentbase_executions"]),
    OldCode(
      file: "support/chatbot/conversation.db", agent: "support_chatbot",
      reads: [
        (
          "SELECT namespace, value, expires_at FROM conversation_memory WHERE key = 'since:1'",
          [[.null, #"{"page": "https://example.org"}"#, .null]]
        ),
        ("SELECT duration_ms, ts FROM tool_metrics WHERE name = 'since'", [[2.5, 1_750_000_000]]),
      ], beside: ["agentbase_tools", "agentbase_executions"]),
    OldCode(
      file: "shared/team.db", agent: "coder",
      reads: [
        (
          "SELECT id, content, importance, created_at > 1.7e9 FROM memories WHERE agent_id = 'coder' AND id LIKE 'since%' ORDER BY id",
          [["since:1", #"{"page": "https://example.org"}"#, 0.5, 1], ["since:2", "plain words", 0.5, 1]]
        ),
        (
          "SELECT agent_id, description, enabled FROM agent_tools WHERE name LIKE 'since%'",
          [["coder", "new", "on"]]
        ),
        (
          "SELECT agent_id, metric_value, recorded_at FROM agent_metrics WHERE metric_name = 'since'",
          [["coder", 2.5, 1_750_000_000]]
        ),
        (
          "SELECT agent, success, output, end_time >= start_time FROM task_executions WHERE task_description LIKE 'since%'",
          [["coder", 1, #"{"o": 1}"#, 1]]
        ),
      ]),
    OldCode(
      file: "orchestration/router/agent_database.db", agent: "orchestration_router",
      reads: [
        (
          "SELECT memory_id, worker_id, json_extract(memory, '$.page') FROM worker_memory WHERE memory_id = 'since:1'",
          [["since:1", .null, "https://example.org"]]
        ),
        (
          "SELECT status, error_message, duration < 60 FROM worker_executions WHERE task_name = 'since task'",
          [["completed", .null, 1]]
        ),
      ], beside: ["agentbase_tools", "agentbase_metrics"]),
    OldCode(
      file: "archive/curator/memories", agent: "archive_curator",
      reads: [
        (
          "SELECT key, value, updated_at > 1700000000 FROM memories WHERE key LIKE 'since%' ORDER BY key",
          [["since:1", #"{"page": "https://example.org"}"#, 1], ["since:2", "plain words", 1]]
        ),
        ("SELECT name, active FROM \"tool \"\"box\"\"\" WHERE name LIKE 'since%'", [["since tool", 1]]),
        ("SELECT value, unit FROM metrics WHERE name = 'since'", [[2.5, "ms"]]),
      ], beside: ["agentbase_executions"]),
    // A title that nobody knows, and users that nobody names.
    OldCode(
      file: "knowledge/librarian/notes.sqlite3", agent: "knowledge_librarian", reads: [],
      beside: ["agentbase_memories", "agentbase_tools", "agentbase_metrics", "agentbase_executions"]),
    OldCode(
      file: "assistants/openmake/unified.db", agent: "assistants_openmake", reads: [],
      beside: ["agentbase_memories", "agentbase_tools", "agentbase_metrics", "agentbase_executions"]),
    OldCode(
      file: "planning/ideas/bot.db", agent: "planning_ideas", reads: [],
      beside: ["agentbase_memories", "agentbase_tools", "agentbase_metrics", "agentbase_executions"]),
  ]
}
