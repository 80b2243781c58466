// Wrong use of the command, of every kind: exit code 2, nothing on standard output, one or two lines elsewhere.

import Testing

@Suite struct UsageTests {
  private static let url = "postgresql://u@h/d"

  /// Words, and what the first line of the error has to name.
  private static let wrong: [(words: String, names: String)] = [
    ("", "no verb"), ("frobnicate", "unknown verb 'frobnicate'"), ("bunch", "unknown verb 'bunch'"),
    ("import --frob", "unknown option --frob"), ("import -x", "unknown option -x"),
    ("import --postgres-url \(url)", "--agents-path DIR or --sqlite FILE"),
    ("import --agents-path a", "DATABASE_URL"), ("verify --agents-path a", "DATABASE_URL"),
    ("import --agents-path a --sqlite b --postgres-url \(url)", "--agents-path and --sqlite"),
    ("import --agents-path a --postgres-url", "--postgres-url needs a value"),
    ("import --agents-path a --postgres-url \(url) --batch-size none", "--batch-size 'none'"),
    ("import --agents-path a --postgres-url \(url) --batch-size 0", "--batch-size '0'"),
    ("import --agents-path a --postgres-url \(url) --batch-size -5", "--batch-size '-5'"),
    ("import --agents-path a --postgres-url \(url) --timeout soon", "--timeout 'soon'"),
    ("import --agents-path a --postgres-url \(url) --on-conflict merge", "skip, update, fail"),
    ("import --agents-path a --postgres-url \(url) --timezone Mars/Olympus", "--timezone 'Mars/Olympus'"),
    ("import --agents-path a --postgres-url \(url) extra", "'extra'"),
    ("import --agents-path a --agents-path b --postgres-url \(url)", "--agents-path is given twice"),
    ("import --agents-path a --postgres-url \(url) --dry-run=yes", "--dry-run takes no value"),
    ("import --agents-path= --postgres-url \(url)", "--agents-path"),
    // A beginning of a name is no name.
    ("import --agents a --postgres-url \(url)", "unknown option --agents"),
    ("import --agents-path a --postgres-url nonsense", "--postgres-url"),
    ("import --agents-path a --postgres-url postgresql://h:x/d", "--postgres-url"),
    ("rollback --sqlite f --postgres-url \(url)", "--agent ID"),
    ("rollback --agents-path d --agent a --postgres-url \(url)", "--agent goes with --sqlite"),
    ("backup --agents-path a", "--to DIR"), ("backup --to b", "--agents-path DIR"),
    ("restore --from b", "--agents-path DIR"),
    ("restore --from b --to c --agents-path d", "--to are the same"),
    ("memory", "is needed"), ("memory get", "memory get KEY is needed"), ("memory get k l", "takes no 'l'"),
    ("memory put k {", "JSON"), ("memory frob --agent a", "'frob'"), ("memory list", "--agent ID"),
    ("memory list --agent a", "no backend is named"),
    ("memory list --agent a --backend mongo", "--backend 'mongo'"),
    ("memory list --agent a --backend sqlite", "AGENT_SQLITE_PATH"),
    ("memory list --agent a --backend postgres", "DATABASE_URL"),
    ("memory list --agent a --backend postgres --sqlite f", "contradict"),
    ("memory put n -5 --agent a --sqlite f", "unknown option -5"),
    ("doctor", "nothing to look at"), ("dev-postgres start", "start DIR"), ("dev-postgres frob d", "'frob'"),
    ("bench", "bench needs a word"), ("bench frob", "'frob'"), ("bench import twice", "'twice'"),
    ("bench import --rows 0", "--rows '0'"), ("bench import --rows many", "--rows 'many'"),
    ("bench import --rounds 0", "--rounds '0'"), ("bench import --rows 5 --sqlite f", "--rows and --sqlite"),
    ("bench import --threshold 5", "--baseline FILE"),
    ("bench import --baseline b --threshold none", "--threshold 'none'"),
    ("bench import --postgres-url nonsense", "--postgres-url"),
  ]

  @Test(arguments: wrong)
  func isRefused(words: String, names: String) async throws {
    let run = try await Command.run(words.split(separator: " ").map(String.init), in: "/")
    #expect(run.exitCode == 2)
    #expect(run.output.isEmpty)
    #expect((1...2).contains(run.errorLines.count), "\(run.errors)")
    #expect(run.errorLines.first?.contains(names) == true, "\(run.errors)")
  }

  @Test(arguments: [
    ("MIGRATION_BATCH_SIZE", "many"), ("MIGRATION_BATCH_SIZE", ""), ("MIGRATION_TIMEOUT", "-1"),
    ("MIGRATION_TIMEOUT", "nan"), ("MIGRATION_BACKUP_PATH", ""), ("DATABASE_URL", ""),
    ("DATABASE_URL", "sesame open"),
  ])
  func variablesAreNamed(variable: String, value: String) async throws {
    var environment = ["DATABASE_URL": Self.url]
    environment[variable] = value
    let run = try await Command.run(["import", "--agents-path", "a"], in: "/", environment: environment)
    #expect(run.exitCode == 2)
    #expect(run.output.isEmpty)
    #expect(run.errors.contains(variable))
    #expect(run.errorLines.count <= 2)
  }

  @Test func anOptionWinsOverItsVariable() async throws {
    let run = try await Command.run(
      ["import", "--agents-path", "/nowhere/at/all", "--batch-size", "5"], in: "/",
      environment: ["DATABASE_URL": Self.url, "MIGRATION_BATCH_SIZE": "many"])
    // It came as far as the folder.
    #expect(run.exitCode == 1)
    #expect(run.errors.contains("/nowhere/at/all"))
  }

  @Test func helpNamesEveryVerbAndOption() async throws {
    let overview = try await Command.run(["--help"], in: "/")
    #expect(overview.exitCode == 0 && overview.errors.isEmpty)
    let verbs = ["import", "verify", "rollback", "backup", "restore", "memory", "doctor", "dev-postgres"]
    for verb in verbs {
      #expect(overview.output.contains("  \(verb) "))
      let help = try await Command.run([verb, "--help"], in: "/")
      #expect(help.exitCode == 0 && help.errors.isEmpty)
      #expect(help.output.contains("usage: agentbase \(verb)"))
      #expect(help.output.contains("--json"))
    }
    let help = try await Command.run(["import", "-h"], in: "/").output
    for name in [
      "--agents-path DIR", "--sqlite FILE", "--agent ID", "--postgres-url URL", "--dry-run", "--backup [DIR]",
      "--batch-size N", "--timeout S", "--report FILE", "--no-verify", "--on-conflict", "--timezone ZONE",
      "--quiet",
      "DATABASE_URL", "MIGRATION_BATCH_SIZE", "MIGRATION_TIMEOUT", "MIGRATION_BACKUP_PATH",
    ] {
      #expect(help.contains(name), "\(name)")
    }
  }

  @Test(arguments: [
    ["postgresql://agents:s3cret-w0rd@host/db"], ["import", "postgresql://agents:s3cret-w0rd@host/db"],
    ["import", "--postgres-urls=postgresql://agents:s3cret-w0rd@host/db"],
    [
      "import", "--agents-path", "postgresql://agents:s3cret-w0rd@host/db", "--postgres-url",
      "postgresql://h/d",
    ],
    ["import", "--agents-path", "a", "--timezone", "host=h password=s3cret-w0rd"],
    ["import", "--agents-path", "/", "--postgres-url", "postgresql://agents:s3cret-w0rd/@host/db"],
    ["memory", "get", "k", "--agent", "a", "--backend", "postgresql://agents:s3cret-w0rd@host/db"],
    ["dev-postgres", "postgresql://agents:s3cret-w0rd@host/db", "x"],
    ["doctor", "--agents-path", "postgresql://agents:s3cret-w0rd@host/db"],
  ])
  func noPasswordIsRepeated(words: [String]) async throws {
    let run = try await Command.run(words, in: "/", secret: "s3cret-w0rd")
    #expect(run.exitCode == 2 || run.exitCode == 1)
    #expect((1...2).contains(run.errorLines.count), "\(run.errors)")
  }
}
