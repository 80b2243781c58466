// The options of agentbase memory, and which of them go with which words.

internal import AgentBase

extension MemoryVerb {
  static let agent = Option("agent", "ID", help: "the agent (needed)")
  static let backend = Option(
    "backend", "WHICH", variable: MemoryBackend.Variable.backend, help: "sqlite, postgres or dual",
    read: OptionValues.choice(Backend.self))
  static let sqlite = Option.path(
    "sqlite", "FILE", variable: MemoryBackend.Variable.path, help: "the agent's SQLite file")
  static let namespace = Option<String>("namespace", "NAME", help: "keeps equal keys apart") { $0 }
  static let limit = Option(
    "limit", "N", help: "the most to print; 10 of a search, 100 of the others unless given",
    read: OptionValues.integer(in: 1...10_000))
  static let metadata = Option(
    "metadata", "JSON", help: "put: an object that is kept with the value", read: readMetadata)
  static let timeToLive = Option(
    "ttl", "S", help: "put: the seconds after which the value expires", read: OptionValues.seconds)
  static let expectation = Option(
    "if-version", "N|absent", help: "put: only where the key has this version, or no value; else exit code 1",
    read: readExpectation)
  static let keepsHistory = Flag(
    "keep-history", help: "put, delete: the value that goes stays in the history")
  static let under = Option(
    "under", "NAME", help: "list, search by words, namespaces: the namespace and all that nest in it")
  static let condition = Option(
    "where", "CONDITION",
    help:
      "list, search by words: only those that fulfil it, such as 'metadata.tier = \"gold\" and visits >= 10'",
    read: readCondition)
  static let mode = Option(
    "mode", "WHICH",
    help:
      "search: text (unless given), which a key or value holds as it is, or words, those that fit best first",
    read: OptionValues.choice(SearchMode.self))
  static let depth = Option(
    "depth", "N", help: "namespaces: count deeper ones with the one that they nest in",
    read: OptionValues.integer(in: 0...1000))
  static let version = Option(
    "version", "N", help: "restore: the version, as history prints it (needed)", read: readVersion)

  static let options = [
    agent.declaration, backend.declaration, Option.postgresURL.declaration, sqlite.declaration,
    namespace.declaration, limit.declaration, metadata.declaration, timeToLive.declaration,
    expectation.declaration, keepsHistory.declaration, mode.declaration, under.declaration,
    condition.declaration, depth.declaration, version.declaration, Flag.json.declaration,
  ]

  /// Refuses an option that means nothing for what is to be done.
  static func check(_ arguments: Arguments, for action: String) throws(UsageError) {
    let belonging: [(OptionDeclaration, actions: [String])] = [
      (metadata.declaration, ["put"]), (timeToLive.declaration, ["put"]), (expectation.declaration, ["put"]),
      (keepsHistory.declaration, ["put", "delete"]), (under.declaration, ["list", "search", "namespaces"]),
      (condition.declaration, ["list", "search"]), (mode.declaration, ["search"]),
      (depth.declaration, ["namespaces"]), (version.declaration, ["restore"]),
    ]
    for (option, actions) in belonging where arguments.has(option) && !actions.contains(action) {
      throw UsageError("\(option.flag) goes with memory \(actions.joined(separator: " and ")) alone")
    }
  }

  // MARK: - Reading values

  private static func readMetadata(_ text: String) throws(InvalidValue) -> JSONObject {
    guard case .object(let object)? = try? JSON(parsing: text) else {
      throw InvalidValue(expected: "a JSON object")
    }
    return object
  }

  private static func readCondition(_ text: String) throws(InvalidValue) -> MemoryFilter {
    do {
      return try MemoryFilter(parsing: text)
    } catch {
      // What stands there may be of a URL, which is not shown.
      throw InvalidValue(
        expected: Arguments.named(text).hasPrefix("'")
          ? error.description : "\(error.expected) at character \(error.offset + 1)")
    }
  }

  private static func readVersion(_ text: String) throws(InvalidValue) -> Int64 {
    guard let version = Int64(text) else { throw InvalidValue(expected: "a whole number") }
    return version
  }

  private static func readExpectation(_ text: String) throws(InvalidValue) -> MemoryExpectation {
    if text == "absent" { return .absent }
    guard let version = Int64(text) else { throw InvalidValue(expected: "a whole number, or absent") }
    return .version(version)
  }
}
