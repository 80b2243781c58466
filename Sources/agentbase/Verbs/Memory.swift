// agentbase memory: what one agent remembers, read and written through the library.

internal import AgentBase
internal import Foundation

extension Verb {
  static let memory = Verb(
    name: "memory", summary: "Reads and writes the memories of one agent, on either backend",
    operands: [
      ("put KEY JSON", "store a value; - reads the JSON from standard input"),
      ("get KEY", "print the value as JSON; exit code 1 where there is none"),
      (
        "search TEXT", "print the memories whose key or value holds the text, the newest first; or see --mode"
      ),
      ("list", "print the memories in the order of their keys"),
      ("delete KEY", "forget the key; exit code 1 where there is none"),
      ("history KEY", "print the earlier values, the newest first, each with its version and time"),
      ("restore KEY", "store the value of --version again"),
      ("namespaces", "print the namespaces, each with how many memories it has"),
      ("sweep", "remove what has expired"),
    ],
    options: MemoryVerb.options,
    notes: [
      "Without --backend, --postgres-url or --sqlite, AGENT_MEMORY_BACKEND chooses the backend, with DATABASE_URL or AGENT_SQLITE_PATH.",
      "Put -- before a JSON number or a key that begins with a hyphen.",
      "A condition compares fields with JSON values: FIELD = VALUE, !=, <, <=, >, >=, contains VALUE, in [VALUE, …], FIELD exists; not, and, or, ( ).",
      "A field is metadata.NAME, or a member of the value by its name; value is the value itself, and tags[0] an element.",
    ]
  ) { arguments in
    let verb = try MemoryVerb(arguments)
    return try await verb.run()
  }
}

/// One call of `agentbase memory`.
struct MemoryVerb {
  /// What to do.
  private enum Action {
    case put(key: String, JSON)
    case get(key: String)
    case search(String)
    case list
    case delete(key: String)
    case history(key: String)
    case restore(key: String, version: Int64)
    case namespaces
    case sweep
  }

  /// The backends that `--backend` names.
  enum Backend: String, CaseIterable {
    case sqlite
    case postgres
    case dual
  }

  /// The ways to search that `--mode` names.
  enum SearchMode: String, CaseIterable {
    case text
    case words
  }

  let arguments: Arguments
  private let action: Action
  private let agent: String
  private let backend: MemoryBackend
  private let namespace: String?
  private let limit: Int?

  init(_ arguments: Arguments) throws {
    self.arguments = arguments
    action = try Self.action(arguments)
    agent = try arguments.required(Self.agent)
    let environment = try Self.environment(arguments)
    backend = try Self.backend(environment)
    try Self.checkFile(of: environment, for: action)
    namespace = try arguments.value(Self.namespace)
    limit = try arguments.value(Self.limit)
  }

  // MARK: - Reading the words

  private static func action(_ arguments: Arguments) throws(UsageError) -> Action {
    let words = arguments.operands
    guard let name = words.first else {
      throw UsageError(
        "what to do is needed: put KEY JSON, get KEY, search TEXT, list, delete KEY, history KEY, …")
    }
    let counts = [
      "put": 3, "get": 2, "search": 2, "list": 1, "delete": 2, "history": 2, "restore": 2, "namespaces": 1,
      "sweep": 1,
    ]
    guard let count = counts[name] else {
      throw UsageError(
        "memory knows no \(Arguments.named(name)): put, get, search, list, delete, history, restore, namespaces, sweep"
      )
    }
    try check(arguments, for: name)
    guard words.count == count else {
      let spelling = Verb.memory.operands.map(\.words).first { $0.hasPrefix(name) } ?? name
      throw UsageError(
        words.count < count
          ? "memory \(spelling) is needed" : "memory \(spelling) takes no \(Arguments.named(words[count]))")
    }
    switch name {
    case "put": return .put(key: words[1], try json(words[2]))
    case "get": return .get(key: words[1])
    case "search": return .search(words[1])
    case "delete": return .delete(key: words[1])
    case "history": return .history(key: words[1])
    case "restore": return .restore(key: words[1], version: try arguments.required(version))
    case "namespaces": return .namespaces
    case "sweep": return .sweep
    default: return .list
    }
  }

  private static func json(_ word: String) throws(UsageError) -> JSON {
    let bytes = word == "-" ? Array(FileHandle.standardInput.readDataToEndOfFile()) : Array(word.utf8)
    do {
      return try JSON(parsing: bytes)
    } catch {
      throw UsageError(
        "the value is no \(error.description)",
        advice: "a string needs its quotes, as in '\"dark\"'")
    }
  }

  /// The environment with the one backend that the options name, where they do; options win.
  private static func environment(_ arguments: Arguments) throws(UsageError) -> [String: String] {
    let hasURL = arguments.has(Option.postgresURL.declaration)
    let hasFile = arguments.has(sqlite.declaration)
    let isChosen = arguments.has(backend.declaration)
    let chosen = isChosen ? try arguments.value(backend) : nil
    if hasURL, hasFile, chosen != .dual {
      throw UsageError("--postgres-url and --sqlite contradict each other: give one, or --backend dual")
    }
    let implied: Backend? = hasURL ? .postgres : hasFile ? .sqlite : nil
    if let implied, let chosen, implied != chosen, chosen != .dual {
      throw UsageError(
        "--backend \(chosen.rawValue) and \(hasURL ? "--postgres-url" : "--sqlite") contradict each other")
    }
    var environment = arguments.environment
    if chosen ?? implied == nil, (environment[MemoryBackend.Variable.backend] ?? "").isEmpty {
      throw UsageError(
        "no backend is named",
        advice:
          "give --backend postgres, --postgres-url URL or --sqlite FILE, or set \(MemoryBackend.Variable.backend)"
      )
    }
    if let backend = chosen ?? implied { environment[MemoryBackend.Variable.backend] = backend.rawValue }
    if hasURL { environment[MemoryBackend.Variable.url] = try PostgresTarget(arguments).url }
    if hasFile { environment[MemoryBackend.Variable.path] = try arguments.required(sqlite) }
    return environment
  }

  private static func backend(_ environment: [String: String]) throws(UsageError) -> MemoryBackend {
    do {
      return try MemoryBackend(environment: environment)
    } catch {
      throw UsageError(error.message, advice: error.advice)
    }
  }

  /// Reading makes no file: a path that was mistyped would leave an empty database behind.
  private static func checkFile(of environment: [String: String], for action: Action) throws(Failure) {
    if case .put = action { return }
    let files = [Backend.sqlite.rawValue, Backend.dual.rawValue]
    guard files.contains(environment[MemoryBackend.Variable.backend] ?? ""),
      let path = environment[MemoryBackend.Variable.path], !FileManager.default.fileExists(atPath: path)
    else { return }
    throw Failure(
      "there is no file \(path)",
      advice: "check --sqlite, or \(MemoryBackend.Variable.path); memory put makes a new one")
  }

  // MARK: - Doing it

  func run() async throws -> ExitCode {
    var config = AgentConfig(name: agent, memoryBackend: backend)
    // Who says sqlite here knows; standard error is for errors.
    config.eventHandler = nil
    if case .restore = action {
      config.keepsHistory = true
    } else {
      config.keepsHistory = arguments[Self.keepsHistory]
    }
    let agent = try await Agent(config)
    do {
      let code = try await run(on: agent)
      await agent.close()
      return code
    } catch {
      await agent.close()
      throw error
    }
  }

  private func run(on agent: Agent) async throws -> ExitCode {
    switch action {
    case .put(let key, let value):
      let version = try await put(key, value, agent)
      tell(
        [
          "agent": .string(agent.id), "key": .string(key), "stored": true, "version": .integer(version),
        ], "stored \(key)")
    case .get(let key):
      guard let memory = try await agent.memory(key, namespace: namespace ?? "") else { throw absent(key) }
      tell(Self.json(of: memory), memory.value.json.text)
    case .search(let text):
      if try arguments.value(Self.mode) == .words { return try await searchWords(text, agent) }
      for option in [Self.under.declaration, Self.condition.declaration] where arguments.has(option) {
        throw UsageError("\(option.flag) goes with memory search --mode words")
      }
      tell(try await agent.searchMemories(text, namespace: namespace, limit: limit ?? 10), next: nil)
    case .list:
      let under = try arguments.value(Self.under)
      let page = try await agent.listMemories(
        in: under.map(MemoryScope.under) ?? .namespace(namespace ?? ""),
        where: try arguments.value(Self.condition), limit: limit ?? 100)
      tell(page.memories, next: page.next)
    case .delete(let key):
      guard
        try await agent.deleteMemory(
          key, namespace: namespace ?? "", keepingHistory: arguments[Self.keepsHistory])
      else { throw absent(key) }
      tell(["agent": .string(agent.id), "key": .string(key), "deleted": true], "deleted \(key)")
    case .history(let key):
      tell(
        try await agent.history(of: key, namespace: namespace ?? "", limit: limit ?? 100), limit: limit ?? 100
      )
    case .restore(let key, let old):
      let version = try await agent.restoreMemory(key, namespace: namespace ?? "", version: old)
      tell(
        [
          "agent": .string(agent.id), "key": .string(key), "restored": .integer(old),
          "version": .integer(version),
        ], "restored \(key)")
    case .namespaces:
      tell(
        try await agent.namespaces(
          under: try arguments.value(Self.under), maxDepth: try arguments.value(Self.depth),
          limit: limit ?? 100))
    case .sweep:
      let count = try await agent.sweepExpiredMemories()
      tell(["agent": .string(agent.id), "removed": .integer(count)], "removed \(count) expired memories")
    }
    return .done
  }

  private func searchWords(_ query: String, _ agent: Agent) async throws -> ExitCode {
    let scope: MemoryScope =
      if let name = try arguments.value(Self.under) { .under(name) } else {
        namespace.map(MemoryScope.namespace) ?? .all
      }
    let found = try await agent.searchMemories(
      matching: query, in: scope, where: try arguments.value(Self.condition), limit: limit ?? 10)
    if arguments[.json] {
      let memories = found.hits.map { hit -> JSON in
        guard case .object(var object) = Self.json(of: hit.memory) else { return .null }
        object["score"] = .real(hit.score)
        return .object(object)
      }
      let json: JSON = [
        "memories": .array(memories), "next": found.next.map { .string($0.rawValue) } ?? .null,
      ]
      Output.standard(json.text)
    } else {
      tell(found.hits.map(\.memory), next: nil)
    }
    return .done
  }

  private func put(_ key: String, _ value: JSON, _ agent: Agent) async throws -> Int64 {
    let (space, metadata) = (namespace ?? "", try arguments.value(Self.metadata) ?? [:])
    let expiresIn = try arguments.value(Self.timeToLive)
    guard let expected = try arguments.value(Self.expectation) else {
      return try await agent.storeMemory(
        key, value, namespace: space, metadata: metadata, expiresIn: expiresIn)
    }
    return try await agent.storeMemory(
      key, value, namespace: space, metadata: metadata, expiresIn: expiresIn, expecting: expected)
  }

  private func absent(_ key: String) -> Failure {
    let place = namespace.map { $0.isEmpty ? "" : " in the namespace \(printable($0))" } ?? ""
    return Failure(
      "the agent \(printable(agent)) remembers nothing under \(printable(key))\(place)",
      advice: "agentbase memory list --agent ID prints its keys")
  }

  // MARK: - Telling

  /// Prints one of the two; a large value is not read for the other.
  private func tell(_ json: @autoclosure () -> JSON, _ text: @autoclosure () -> String) {
    Output.standard(arguments[.json] ? json().text : text())
  }

  private func tell(_ memories: [Memory], next: String?) {
    guard !arguments[.json] else {
      let json: JSON = [
        "memories": .array(memories.map(Self.json)), "next": next.map(JSON.string) ?? .null,
      ]
      return Output.standard(json.text)
    }
    for memory in memories {
      let namespace = memory.namespace.isEmpty ? "" : "\(printable(memory.namespace)) "
      Output.standard("\(namespace)\(printable(memory.key))\t\(memory.value.json.text)")
    }
    if let next { Output.standard("… more after \(printable(next)): give a greater --limit") }
  }

  private static func json(of memory: Memory) -> JSON {
    [
      "namespace": .string(memory.namespace), "key": .string(memory.key), "value": memory.value.json,
      "metadata": .object(memory.metadata), "version": .integer(memory.version),
      "created_at": time(memory.createdAt),
      "updated_at": time(memory.updatedAt), "expires_at": time(memory.expiresAt),
      "imported": .bool(memory.isImported),
    ]
  }
}
