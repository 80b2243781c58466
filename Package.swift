// swift-tools-version: 6.2

import PackageDescription

let package = Package(
  name: "AgentBase",
  products: [
    .library(name: "AgentBase", targets: ["AgentBase"]),
    .library(name: "SQLite", targets: ["SQLite"]),
    .library(name: "Postgres", targets: ["Postgres"]),
    .library(name: "Migrations", targets: ["Migrations"]),
    .executable(name: "agentbase", targets: ["agentbase"]),
    .plugin(name: "ImportLegacy", targets: ["ImportLegacy"]),
  ],
  targets: [
    // The C libraries: a module map and a shim header each, nothing else.
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    // Swift's Glibc module leaves getopt_long out.
    .systemLibrary(name: "CGetopt"),

    // What is tried only where it has paid of late: both drivers wait like that.
    .target(name: "Waiting"),

    // The drivers: they know nothing of agents, and nothing of each other.
    .target(name: "SQLite", dependencies: ["CSQLite", "Waiting"]),
    .target(name: "Postgres", dependencies: ["CPostgres", "Waiting"]),

    // The numbered SQL of both schemas, compiled into the library.
    .target(
      name: "Schema", path: "Schema", exclude: ["postgres", "sqlite"], sources: ["Schema.swift"],
      plugins: ["EmbedSchema"]),

    // Numbered steps of any schema, on both databases: ours and an application's. It knows nothing of agents.
    .target(name: "Migrations", dependencies: ["SQLite", "Postgres", "CCrypto"]),

    // What agents import, what moves their old files, and the command line over both.
    .target(
      name: "AgentBase", dependencies: ["Migrations", "SQLite", "Postgres", "Schema", "Waiting", "CCrypto"]),
    .target(name: "LegacyImport", dependencies: ["AgentBase", "SQLite", "Postgres", "CCrypto"]),
    .executableTarget(
      name: "agentbase",
      dependencies: [
        "AgentBase", "LegacyImport", "Migrations", "SQLite", "Postgres", "Schema", "PrivateServer",
        "DemoFleet",
        "CGetopt",
        // For the bare loop that bench sets ours against.
        "CSQLite",
      ]),

    // What the demo and the tests need: a Postgres of their own, and legacy agents to move.
    .target(name: "PrivateServer"),
    .target(name: "DemoFleet", dependencies: ["SQLite"]),

    .plugin(name: "EmbedSchema", capability: .buildTool(), dependencies: ["SchemaEmbedder"]),
    .executableTarget(name: "SchemaEmbedder", path: "Plugins/SchemaEmbedder"),
    .plugin(
      name: "ImportLegacy",
      capability: .command(
        intent: .custom(
          verb: "import-legacy",
          description: "Moves the SQLite files of agents into Postgres (agentbase import)."))),

    // One target a library, and one that runs real servers.
    .target(name: "TestSupport", dependencies: ["PrivateServer"], path: "Tests/TestSupport"),
    .testTarget(name: "WaitingTests", dependencies: ["Waiting"]),
    .testTarget(name: "SQLiteTests", dependencies: ["SQLite", "TestSupport"]),
    .testTarget(name: "PostgresTests", dependencies: ["Postgres"]),
    .testTarget(name: "MigrationsTests", dependencies: ["Migrations", "Postgres", "SQLite", "TestSupport"]),
    .testTarget(
      name: "AgentBaseTests", dependencies: ["AgentBase", "Postgres", "SQLite", "TestSupport"]),
    .testTarget(
      name: "LegacyImportTests",
      dependencies: ["LegacyImport", "AgentBase", "SQLite", "Postgres", "DemoFleet", "TestSupport"]),
    .testTarget(
      name: "ServerTests",
      dependencies: [
        "AgentBase", "LegacyImport", "Migrations", "SQLite", "Postgres", "Schema", "PrivateServer",
        "DemoFleet", "agentbase", "TestSupport",
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// One set of rules for every target that compiles Swift.
for target in package.targets where [.regular, .executable, .test].contains(target.type) {
  target.swiftSettings = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
  ]
  // In the libraries an async function runs where its caller does, without a switch of executors at each call within a
  // verb. AgentBase's verbs themselves are @concurrent: no work of theirs runs on an application's main actor.
  if target.type == .regular, target.name != "TestSupport" {
    target.swiftSettings?.append(.enableUpcomingFeature("NonisolatedNonsendingByDefault"))
  }
  if target.type != .test, target.name != "TestSupport" {
    target.swiftSettings?.append(.strictMemorySafety())
  }
}
