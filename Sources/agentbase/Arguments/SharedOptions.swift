// The options that several verbs declare: where from, where to, and how to speak.

internal import AgentBase
internal import Foundation
internal import LegacyImport

extension Flag {
  static let json = Flag("json", help: "print one JSON document on standard output and nothing else there")
  static let quiet = Flag("quiet", help: "no progress and no summary; errors only")
  static let noVerify = Flag("no-verify", help: "do not compare every row afterwards")
  static let retryRejects = Flag(
    "retry-rejects", help: "try rows again that earlier runs have rejected, as after a fix in Postgres")
}

extension Option where Value == String {
  static let agentsPath = path(
    "agents-path", "DIR", help: "the agents' folder: every SQLite file below it, each once")
  static let sqlite = path("sqlite", "FILE", help: "one SQLite file")
  static let agent = Option(
    "agent", "ID", help: "the agent that the rows belong to; wins over the path and over agent columns")
  static let postgresURL = Option(
    "postgres-url", "URL", variable: "DATABASE_URL",
    help: "the Postgres database, as libpq takes it: postgresql://user:password@host:5432/database")
}

extension Option where Value == LegacyTime {
  static let timezone = Option("timezone", "ZONE", help: "the zone of times without one; UTC unless given") {
    text throws(InvalidValue) in
    guard let zone = TimeZone(identifier: text) else {
      throw InvalidValue(expected: "a time zone such as Europe/Berlin")
    }
    return LegacyTime(naiveZone: zone)
  }
}

extension Option where Value == Int {
  static let batchSize = Option(
    "batch-size", "N", variable: "MIGRATION_BATCH_SIZE",
    help: "the most rows that commit together; 10000 unless given",
    read: OptionValues.integer(in: 1...1_000_000))
}

extension Option where Value == Duration {
  static let timeout = Option(
    "timeout", "S", variable: "MIGRATION_TIMEOUT",
    help: "give up after so many seconds; no limit unless given",
    read: OptionValues.seconds)
}

extension Option where Value == ConflictPolicy {
  static let onConflict = Option(
    "on-conflict", "WHAT", help: "rows that are there already: skip (unless given), update or fail",
    read: OptionValues.choice(ConflictPolicy.self))
}
