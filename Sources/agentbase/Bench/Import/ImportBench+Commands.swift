// The commands of the contenders, and whether they are there.

internal import Foundation

/// A command to be measured.
struct BenchCommand: Sendable {
  let words: [String]
  var environment: [String: String] = [:]
}

extension ImportBench {
  /// The tables whose rows the reference loads, parents first.
  static let tables = ["agents", "agent_memories", "agent_tools", "agent_metrics", "agent_executions"]

  /// The file that holds a table's rows in the binary form of COPY.
  func rowsFile(_ table: String) -> String { "\(folder)/\(table).rows" }

  /// The command that a contender is.
  func command(for contender: Contender, database: String) -> BenchCommand {
    switch contender {
    case .importing, .again: ours("import", [], database)
    case .importingUnverified, .againUnverified: ours("import", ["--no-verify"], database)
    case .dryRun: ours("import", ["--dry-run"], database)
    case .verifying: ours("verify", [], database)
    case .copy: ours("copy", [], database)
    case .copyIn: psql(database, Self.tables.map { "\\copy \($0) FROM '\(rowsFile($0))' (FORMAT binary)" })
    case .duckDB: duckDB(database)
    case .pgloader: pgloader(database)
    }
  }

  /// Why a contender cannot be measured; nil where it can.
  func reasonAgainst(_ contender: Contender) async throws -> String? {
    switch contender {
    case .pgloader: return Executable.find("pgloader") == nil ? "not measured: it is not installed" : nil
    case .copy:
      return Verb.all.contains { $0.name == "copy" } ? nil : "not measured: this command has no verb copy"
    case .duckDB:
      guard let words = Self.duckDBWords else {
        return "not measured: neither the command duckdb nor Python's module is installed"
      }
      let run = try await MeasuredProcess.run(
        words + Self.duckDBExtensions, environment: server.environment, log: folder + "/extensions.log")
      if run.status == 0 { return nil }
      return run.output.contains("No module named")
        ? "not measured: neither the command duckdb nor Python's module is installed"
        : "not measured: its extensions sqlite and postgres are not there, and it would fetch them from the network"
    default: return nil
    }
  }

  // MARK: - Ours

  private func ours(_ verb: String, _ words: [String], _ database: String) -> BenchCommand {
    // This very program, as a process of its own, so that its memory is that of the import alone.
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
    let declared = Verb.all.first { $0.name == verb }?.options.map(\.name) ?? []
    // Reports belong to a run; not every verb has one, or knows of agents.
    let more = [
      "quiet": ["--quiet"], "agent": ["--agent", "bench"], "report": ["--report", folder + "/report.json"],
    ].filter { declared.contains($0.key) }.values.flatMap(\.self)
    return BenchCommand(
      words: [program, verb] + words + ["--sqlite", source.path] + more,
      environment: ["DATABASE_URL": "dbname=\(database)"])
  }

  // MARK: - The server's own

  func psql(_ database: String, _ commands: [String]) -> BenchCommand {
    BenchCommand(
      words: [server.psql, "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"]
        + commands.map { "--command=\($0)" }, environment: ["PGDATABASE": database])
  }

  // MARK: - Others

  private func pgloader(_ database: String) -> BenchCommand {
    let host = server.host.map { $0.hasPrefix("/") ? "unix:\($0)" : $0 } ?? "localhost"
    let user = server.user.isEmpty ? "" : server.user + "@"
    let script = """
      LOAD DATABASE FROM sqlite://\(source.path)
        INTO postgresql://\(user)\(host):\(server.port)/\(database)
        WITH include drop, create tables, create indexes, reset sequences,
          workers = 2, concurrency = 1, batch rows = 25000, batch size = 40MB, prefetch rows = 25000
        SET work_mem TO '64MB', maintenance_work_mem TO '256MB';

      """
    let path = folder + "/pgloader.load"
    try? Data(script.utf8).write(to: URL(filePath: path))
    return BenchCommand(words: ["pgloader", path])
  }

  /// DuckDB by its own command, or by Python's module; what follows are statements, one a word.
  private static var duckDBWords: [String]? {
    if Executable.find("duckdb") != nil { return ["sh", "-c", Self.duckDBScript, "duckdb"] }
    return Executable.find("python3").map { [$0, "-c", Self.duckDBProgram] }
  }

  private static let duckDBScript =
    #"for statement; do printf '%s;\n' "$statement"; done | duckdb -bail -batch"#
  private static let duckDBProgram = """
    import sys, duckdb
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    try:
        from duckdb_extensions import import_extension
        for name in ("sqlite_scanner", "postgres_scanner"): import_extension(name)
    except ImportError:
        pass
    for statement in sys.argv[1:]: connection.execute(statement)
    """
  private static let duckDBExtensions = ["LOAD sqlite_scanner", "LOAD postgres_scanner"]

  private func duckDB(_ database: String) -> BenchCommand {
    let quoted = { (name: String) in "\"\(name.replacing("\"", with: "\"\""))\"" }
    var statements = Self.duckDBExtensions
    statements.append("ATTACH '\(source.path.replacing("'", with: "''"))' AS source (TYPE sqlite, READ_ONLY)")
    statements.append("ATTACH '' AS target (TYPE postgres)")
    for table in source.tables {
      let name = quoted(table.name)
      statements.append("CREATE TABLE target.public.\(name) AS FROM source.\(name)")
    }
    for table in source.tables where !table.key.isEmpty {
      let key =
        "ALTER TABLE \(quoted(table.name)) ADD PRIMARY KEY (\(table.key.map(quoted).joined(separator: ", ")))"
      statements.append("CALL postgres_execute('target', '\(key.replacing("'", with: "''"))')")
    }
    return BenchCommand(
      words: (Self.duckDBWords ?? []) + statements, environment: ["PGDATABASE": database])
  }
}

/// Programs of this machine.
enum Executable {
  /// The path of a program in `PATH`; nil where there is none.
  static func find(_ name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.lazy.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
