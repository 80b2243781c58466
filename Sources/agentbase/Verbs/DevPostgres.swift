// agentbase dev-postgres: a private server for trying out, which outlives the command.

internal import AgentBase
internal import PrivateServer

extension Verb {
  static let devPostgres = Verb(
    name: "dev-postgres", summary: "Starts and stops a private Postgres in a folder, on a Unix socket",
    operands: [
      ("start DIR", "start it, make its data first where there are none, and print its URL"),
      ("stop DIR", "stop it; its data stay"), ("url DIR", "print its URL"),
    ],
    options: [Flag.json.declaration]
  ) { arguments in
    guard arguments.operands.count == 2 else {
      throw UsageError("start DIR, stop DIR or url DIR is needed")
    }
    let directory = arguments.operands[1]
    guard !directory.contains("://") else { throw UsageError("dev-postgres needs a folder, not a URL") }
    switch arguments.operands[0] {
    case "start": tell(try await started(in: directory), arguments)
    case "stop":
      let server = PrivateServer(in: directory, binaries: try .preferred())
      let wasRunning = server.isRunning
      try await server.stop()
      if arguments[.json] {
        Output.standard((["directory": .string(server.directory), "running": false] as JSON).text)
      } else {
        Output.standard(wasRunning ? "stopped \(server.directory)" : "\(server.directory) was not running")
      }
    case "url":
      let server = PrivateServer(in: directory, binaries: try .preferred())
      guard server.isRunning else {
        throw Failure(
          "no private server is running in \(server.directory)",
          advice: "start it: agentbase dev-postgres start \(directory)")
      }
      tell(server, arguments)
    case let other:
      throw UsageError("dev-postgres knows no \(Arguments.named(other)): start, stop or url DIR is needed")
    }
    return .done
  }

  /// Starts a server with the best installed version, or with that of the data that are there.
  private static func started(in directory: String) async throws -> PrivateServer {
    let server = PrivateServer(in: directory, binaries: try .preferred())
    do {
      try await server.start()
      return server
    } catch {
      guard case .wrongVersion(_, let data, _) = error else { throw error }
      guard let binaries = PostgresBinaries.installed().first(where: { $0.version == data }) else {
        throw Failure(
          "\(server.directory) holds data of PostgreSQL \(data), which is not installed",
          advice: "install postgresql-\(data), or give another folder")
      }
      let server = PrivateServer(in: directory, binaries: binaries)
      try await server.start()
      return server
    }
  }

  private static func tell(_ server: PrivateServer, _ arguments: Arguments) {
    guard arguments[.json] else { return Output.standard(server.url()) }
    let json: JSON = [
      "directory": .string(server.directory), "running": true, "url": .string(server.url()),
      "log": .string(server.logFile),
    ]
    Output.standard(json.text)
  }
}
