import Foundation
import Postgres
import TestSupport
import Testing

@testable import LegacyImport

@Suite struct ExploreSchemaTests {
  @Test func explore() async throws {
    guard let path = ProcessInfo.processInfo.environment["EXPLORE"] else { return }
    let scene = try await SchemaScene(
      ProcessInfo.processInfo.environment["EXPLORE_V"] == "18" ? .v18 : .v15,
      String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self))
    do {
      let outcome = try await scene.make()
      for s in outcome.translation.before + outcome.translation.after { print("--", s.sql) }
      for o in outcome.omissions {
        print("OMIT", o.kind.rawValue, o.effect.rawValue, o.table ?? "-", o.name, ":", o.reason)
      }
      print("REJ", outcome.rejected)
      print("SEQ", outcome.translation.sequences)
      for line in try await scene.lines(
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE connamespace='public'::regnamespace and contype<>'n'"
      ) { print("CON", line) }
      for line in try await scene.lines("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'") {
        print("IDX", line)
      }
      for line in try await scene.lines(
        "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'")
      { print("VIEW", line) }
      let again = try await scene.make()
      print("AGAIN", again.omissions.count, "vs", outcome.omissions.count)
      for o in Set(again.omissions).symmetricDifference(outcome.omissions) { print("DIFF", o) }
    } catch let e as PostgresError { print(e.expandedDescription) }
    await scene.close()
  }
}
