// Which steps of a schema are to be applied: a pure rule for both databases.

import Schema

/// A step that a database has.
struct AppliedStep: Sendable, Hashable {
  let version: Int
  let name: String
  /// The SQL that made it.
  let text: String
}

/// What to do with a database's schema.
enum SchemaPlan {
  /// The steps that the database lacks, in order.
  ///
  /// - Throws: `AgentBaseError` of the code `schema` where the database is of a newer version than this program, lacks a step
  ///   in the middle, or has a step that was made by another text than the program's.
  static func pending(steps: [SchemaStep], applied: [AppliedStep]) throws(AgentBaseError) -> [SchemaStep] {
    let known = steps.count
    if let newest = applied.map(\.version).max(), newest > known {
      throw AgentBaseError(
        .schema, "the database has version \(newest) of the tables, and this program knows \(known)",
        advice: "Update the program, or go back with `agentbase schema down --to \(known)` of the newer one.")
    }
    for (place, step) in applied.sorted(by: { $0.version < $1.version }).enumerated() {
      guard step.version == place + 1 else {
        throw AgentBaseError(
          .schema, "step \(place + 1) of the tables is missing, though step \(step.version) is there",
          advice: "Restore the database, or run `agentbase schema status`.")
      }
      guard step.text == steps[place].up else {
        throw AgentBaseError(
          .schema,
          "step \(step.version) (\(step.name)) of the tables was made by another text than this program's",
          advice: "Use the program that made it, or run `agentbase schema status` to see both.")
      }
    }
    return Array(steps.dropFirst(applied.count))
  }
}
