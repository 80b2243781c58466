// The choice of the backend, and the words of errors.

import AgentBase
import Testing

@Suite("Agent configuration") struct ConfigTests {
  @Test("The environment names the backend")
  func environment() throws {
    let postgres = try MemoryBackend(
      environment: ["AGENT_MEMORY_BACKEND": "postgres", "DATABASE_URL": "postgresql://host/db"])
    #expect(postgres == .postgres(url: "postgresql://host/db"))
    let sqlite = try AgentConfig(
      name: "a", environment: ["AGENT_MEMORY_BACKEND": "sqlite", "AGENT_SQLITE_PATH": "/x.db"])
    #expect(sqlite.memoryBackend.isSQLite)
    #expect(sqlite.id == "a")
  }

  @Test(
    "A variable that is unset or wrong is named, and nothing is taken for granted",
    arguments: [
      ([:], "AGENT_MEMORY_BACKEND is not set"),
      (["DATABASE_URL": "postgresql://host/db"], "AGENT_MEMORY_BACKEND is not set"),
      (["AGENT_MEMORY_BACKEND": ""], "AGENT_MEMORY_BACKEND is empty"),
      (["AGENT_MEMORY_BACKEND": "Postgres"], "AGENT_MEMORY_BACKEND is \"Postgres\""),
      (["AGENT_MEMORY_BACKEND": "dual", "DATABASE_URL": "postgresql://h/d"], "AGENT_SQLITE_PATH"),
      (["AGENT_MEMORY_BACKEND": "dual", "AGENT_SQLITE_PATH": "a.db"], "DATABASE_URL"),
      (["AGENT_MEMORY_BACKEND": "postgres"], "DATABASE_URL is not set"),
      (
        ["AGENT_MEMORY_BACKEND": "postgres", "DATABASE_URL": "s3cret@host"], "DATABASE_URL is no Postgres URL"
      ),
      (["AGENT_MEMORY_BACKEND": "sqlite"], "AGENT_SQLITE_PATH is not set"),
      (["AGENT_MEMORY_BACKEND": "sqlite", "AGENT_SQLITE_PATH": ""], "AGENT_SQLITE_PATH is empty"),
    ] as [([String: String], String)])
  func wrongEnvironment(_ environment: [String: String], _ words: String) {
    let error = #expect(throws: AgentBaseError.self) { try MemoryBackend(environment: environment) }
    #expect(error?.code == .invalidConfiguration)
    #expect(error?.description.contains(words) == true)
    #expect(error?.description.contains("s3cret") == false)
  }

  @Test("An error is two lines at most, with the agent and the key on one")
  func errorText() {
    let error = AgentBaseError(.invalidName, "why", advice: "what to do", agent: "a\nb", key: "k\"")
    #expect(error.description == "agent \"a\u{FFFD}b\", key \"k\"\": why\nwhat to do")
    #expect(AgentBaseError(.closed, "closed").description == "closed")
  }
}
