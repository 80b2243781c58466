// agentbase memory: the same words on both backends.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite struct MemoryCommandTests {
  /// How the backend is named.
  enum Way: String, CaseIterable, Sendable {
    case postgresOption, postgresVariable, sqliteOption, sqliteVariable
  }

  @Test(arguments: Way.allCases)
  func putsGetsListsSearchesDeletes(way: Way) async throws {
    let folder = try TemporaryFolder("memory")
    let (words, environment) = try await Self.backend(way, in: folder.path)
    let memory = { (more: [String]) in
      try await Command.run(
        ["memory"] + more + ["--agent", "crawler"] + words, in: folder.path, environment: environment,
        secret: ServerDatabase.oddPassword)
    }
    let put = try await memory(["put", "user:42", #"{"theme": "dark", "big": 9007199254740993}"#])
    #expect(put.exitCode == 0 && put.errors.isEmpty, "\(put.errors)")
    let got = try await memory(["get", "user:42"])
    #expect(try got.json() == ["theme": "dark", "big": 9_007_199_254_740_993])
    let record = try await memory(["get", "user:42", "--json"])
    #expect(try record.json()["value"]?["theme"] == "dark" && record.json()["imported"] == false)
    for name in ["created_at", "updated_at"] {
      // RFC 3339, UTC.
      let time = try #require(try record.json()[name]?.stringValue)
      let date = try #require(
        try? Date(time, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)), "\(time)")
      #expect(time.hasSuffix("Z") && abs(date.timeIntervalSinceNow) < 3600, "\(time)")
    }
    #expect(try await memory(["put", "user:42", "\"elsewhere\"", "--namespace", "n"]).exitCode == 0)
    #expect(try await memory(["get", "user:42", "--namespace", "n"]).output == "\"elsewhere\"\n")
    #expect(try await memory(["put", "zebra", "[1, 2.50, null]"]).exitCode == 0)
    let list = try await memory(["list", "--json"])
    guard case .array(let all)? = try list.json()["memories"] else { throw Missing() }
    #expect(all.map { $0["key"] } == ["user:42", "zebra"])
    let one = try await memory(["list", "--limit", "1"])
    #expect(one.output.contains("user:42\t") && !one.output.contains("zebra"))
    let found = try await memory(["search", "DARK"])
    #expect(found.exitCode == 0 && found.output.contains("user:42") && !found.output.contains("zebra"))
    let byWords = try await memory(["search", "dark OR nothing", "--mode", "words", "--json"])
    #expect(byWords.exitCode == 0, "\(byWords.errors)")
    guard case .array(let hits)? = try byWords.json()["memories"] else {
      Issue.record("no memories")
      return
    }
    #expect(hits.map { $0["key"] } == ["user:42"] && (hits.first?["score"]?.doubleValue ?? 0) > 0)
    #expect(try await memory(["search", "dar", "--mode", "words"]).output.isEmpty)
    #expect(try await memory(["search", "dar*", "--mode", "words"]).output.contains("user:42\t"))
    #expect(try await memory(["search", "dark", "--mode", "sense"]).exitCode == 2)
    #expect(try await memory(["list", "--mode", "words"]).exitCode == 2)
    #expect(try await memory(["delete", "zebra"]).exitCode == 0)
    for action in ["get", "delete"] {
      let gone = try await memory([action, "zebra", "--json"])
      #expect(gone.exitCode == 1 && gone.errorLines.count <= 2 && gone.errors.contains("zebra"))
      #expect(try gone.json()["error"] != nil)
    }
  }

  @Test(arguments: Way.allCases)
  func knowsVersionsAndNamespaces(way: Way) async throws {
    let folder = try TemporaryFolder("memory")
    let (words, environment) = try await Self.backend(way, in: folder.path)
    let memory = { (more: [String]) in
      try await Command.run(
        ["memory"] + more + ["--agent", "crawler"] + words, in: folder.path, environment: environment,
        secret: ServerDatabase.oddPassword)
    }
    let first = try await memory([
      "put", "a", "1", "--if-version", "absent", "--metadata", #"{"m": 1}"#, "--json",
    ])
    #expect(first.exitCode == 0, "\(first.errors)")
    let version = try #require(try first.json()["version"])
    let stale = try await memory(["put", "a", "2", "--if-version", "absent"])
    #expect(stale.exitCode == 1 && stale.errors.contains("version \(version.text)"), "\(stale.errors)")
    #expect(
      try await memory(["put", "a", "2", "--if-version", version.text, "--keep-history"]).exitCode == 0)
    let history = try await memory(["history", "a", "--json"])
    guard case .array(let versions)? = try history.json()["versions"] else { throw Missing() }
    #expect(versions.count == 1 && versions.first?["value"] == 1 && versions.first?["version"] == version)
    #expect(versions.first?["metadata"] == ["m": 1])
    #expect(try await memory(["history", "a"]).output.hasPrefix("\(version.text)\t2"))
    #expect(try await memory(["restore", "a", "--version", version.text]).exitCode == 0)
    #expect(try await memory(["get", "a"]).output == "1\n")
    #expect(try await memory(["restore", "a", "--version", "17"]).exitCode == 1)

    #expect(try await memory(["put", "b", "1", "--namespace", "users/1"]).exitCode == 0)
    #expect(try await memory(["put", "b", "1", "--namespace", "users/10"]).exitCode == 0)
    #expect(try await memory(["put", "c", "1", "--namespace", "users/1/x", "--ttl", "0.001"]).exitCode == 0)
    let spaces = try await memory(["namespaces", "--json"])
    #expect(
      try spaces.json()["namespaces"]
        == [
          ["namespace": "", "memories": 1], ["namespace": "users/1", "memories": 1],
          ["namespace": "users/10", "memories": 1],
        ])
    #expect(try await memory(["namespaces", "--under", "users", "--depth", "0"]).output == "2\tusers\n")
    let under = try await memory(["list", "--under", "users/1", "--json"])
    guard case .array(let listed)? = try under.json()["memories"] else { throw Missing() }
    #expect(listed.map { $0["namespace"] } == ["users/1"])
    #expect(
      try await memory(["put", "d", #"{"visits": 9}"#, "--metadata", #"{"tier": "gold"}"#]).exitCode
        == 0)
    #expect(
      try await memory(["put", "e", #"{"visits": 10}"#, "--metadata", #"{"tier": "gold"}"#])
        .exitCode == 0)
    let busy = try await memory(["list", "--where", #"metadata.tier = "gold" and visits >= 10"#])
    #expect(busy.exitCode == 0 && busy.output == "e\t{\"visits\": 10}\n", "\(busy.errors)")
    let found = try await memory([
      "search", "visits", "--mode", "words", "--where", "visits in [9, 11]",
    ])
    #expect(found.exitCode == 0 && found.output == "d\t{\"visits\": 9}\n", "\(found.errors)")
    let wrong = try await memory(["list", "--where", "metadata.tier = and visits >= 10"])
    #expect(wrong.exitCode == 2 && wrong.errorLines.count <= 2, "\(wrong.errors)")
    #expect(wrong.errors.contains("at character 17, before 'and visits >= 10'"), "\(wrong.errors)")
    #expect(try await memory(["get", "a", "--where", "a = 1"]).exitCode == 2)
    #expect(try await memory(["search", "visits", "--where", "a = 1"]).exitCode == 2)
    #expect(try await memory(["sweep"]).output == "removed 1 expired memories\n")
    #expect(try await memory(["sweep", "--json"]).json()["removed"] == 0)
    #expect(try await memory(["get", "a", "--ttl", "1"]).exitCode == 2)
    #expect(try await memory(["put", "a", "1", "--metadata", "[]"]).exitCode == 2)
    #expect(try await memory(["restore", "a"]).exitCode == 2)
  }

  @Test func aNegativeNumberFollowsTwoHyphens() async throws {
    let folder = try TemporaryFolder("memory")
    let put = try await Command.run(
      ["memory", "--agent", "a", "--sqlite", "a.db", "put", "--", "answer", "-42"], in: folder.path)
    #expect(put.exitCode == 0 && put.errors.isEmpty, "\(put.errors)")
    let got = try await Command.run(
      ["memory", "get", "answer", "--agent", "a", "--sqlite", "a.db"], in: folder.path)
    #expect(got.output == "-42\n")
  }

  @Test(arguments: [["get", "k"], ["list"], ["search", "k"], ["delete", "k"]])
  func readingMakesNoFile(action: [String]) async throws {
    let folder = try TemporaryFolder("memory")
    let run = try await Command.run(
      ["memory"] + action + ["--agent", "a", "--sqlite", "typo.db"], in: folder.path)
    #expect(
      run.exitCode == 1 && run.output.isEmpty && run.errors.contains("no file typo.db"), "\(run.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test func aValueMayComeFromStandardInput() async throws {
    let folder = try TemporaryFolder("memory")
    let words = ["memory", "--agent", "a", "--sqlite", "a.db"]
    #expect(
      try await Command.run(words + ["put", "k", "-"], in: folder.path, input: "[true]\n").exitCode == 0)
    #expect(try await Command.run(words + ["get", "k"], in: folder.path).output == "[true]\n")
  }

  @Test func aWrongBackendIsNamed() async throws {
    let folder = try TemporaryFolder("memory")
    let dual = try await Command.run(
      ["memory", "list", "--agent", "a"], in: folder.path, environment: ["AGENT_MEMORY_BACKEND": "mongo"])
    #expect(dual.exitCode == 2 && dual.errors.contains("AGENT_MEMORY_BACKEND"))
    try Data(repeating: 0x5A, count: 4096).write(to: URL(filePath: folder.path + "/no.db"))
    let file = try await Command.run(
      ["memory", "list", "--agent", "a", "--sqlite", "no.db"], in: folder.path)
    #expect(
      file.exitCode == 1 && file.errorLines.count <= 2 && file.errors.contains("no.db"), "\(file.errors)")
    let server = try await Command.run(
      ["memory", "list", "--agent", "a"], in: folder.path,
      environment: [
        "AGENT_MEMORY_BACKEND": "postgres", "DATABASE_URL": "postgresql://a:pw-4711@localhost:1/d",
      ],
      secret: "pw-4711")
    #expect(
      server.exitCode == 1 && server.errorLines.count <= 2 && server.errors.contains("refused"),
      "\(server.errors)")
  }

  private struct Missing: Error {}

  private static func backend(
    _ way: Way, in folder: String
  ) async throws -> (words: [String], environment: [String: String]) {
    switch way {
    case .sqliteOption: return (["--backend", "sqlite", "--sqlite", "agent.db"], [:])
    case .sqliteVariable:
      return ([], ["AGENT_MEMORY_BACKEND": "sqlite", "AGENT_SQLITE_PATH": folder + "/agent.db"])
    case .postgresOption, .postgresVariable:
      let database = try await ServerDatabase()
      let url = try await database.urlOfNewUser(rights: "GRANT CREATE ON SCHEMA public TO ROLE")
      return way == .postgresOption
        ? (["--postgres-url", url], [:]) : ([], ["AGENT_MEMORY_BACKEND": "postgres", "DATABASE_URL": url])
    }
  }
}
