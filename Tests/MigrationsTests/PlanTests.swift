// Which steps are gone: a rule that needs no database.

import Migrations
import TestSupport
import Testing

@Suite("Migrations: plans") struct PlanTests {
  private static func step(_ version: Int, down: String? = "down", marker: String = "") -> Migration {
    Migration(version: version, name: "s\(version)", up: "\(marker)up \(version)", down: down)
  }

  private static func applied(_ versions: [Int]) -> MigrationHistory {
    MigrationHistory(
      applied: versions.map {
        AppliedMigration(version: $0, name: "s\($0)", text: "up \($0)", downText: "old down \($0)")
      })
  }

  private let plan = MigrationPlan((1...4).map { Self.step($0) }, origin: "the folder steps")

  @Test("Up to the newest or to a version, down to any")
  func ways() throws {
    func versions(_ goal: MigrationGoal, _ has: [Int]) throws -> [Int] {
      try plan.steps(to: goal, from: Self.applied(has)).map(\.migration.version)
    }
    #expect(try versions(.up(to: nil), []) == [1, 2, 3, 4])
    #expect(try versions(.up(to: nil), [1, 2, 3, 4]) == [])
    #expect(try versions(.up(to: 3), [1]) == [2, 3])
    #expect(try versions(.up(to: 1), [1, 2]) == [])
    #expect(try versions(.down(to: 0), [1, 2, 3]) == [3, 2, 1])
    #expect(try versions(.down(to: 2), [1, 2, 3]) == [3])
    #expect(try versions(.down(to: 3), [1, 2, 3]) == [])
    // Newer steps than are known here are taken back by the SQL that came with them.
    let newer = try plan.steps(to: .down(to: 4), from: Self.applied([1, 2, 3, 4, 5]))
    #expect(newer.map(\.sql) == ["old down 5"])
  }

  @Test("What is refused, and what is said of it")
  func refusals() {
    func code(_ goal: MigrationGoal, _ history: MigrationHistory, _ steps: [Migration]? = nil) -> (
      MigrationError.Code?, String
    ) {
      do throws(MigrationError) {
        _ = try (steps.map { MigrationPlan($0) } ?? plan).steps(to: goal, from: history)
        return (nil, "")
      } catch {
        return (error.code, error.description)
      }
    }
    let newer = code(.up(to: nil), Self.applied([1, 2, 3, 4, 5]))
    #expect(
      newer.0 == .newer && newer.1.contains("version 5") && newer.1.contains("the folder steps knows 4"))
    #expect(newer.1.contains("schema down --to 4"))
    #expect(code(.up(to: nil), Self.applied([1, 3])).0 == .missing)
    var edited = Self.applied([1, 2])
    edited.applied[1] = AppliedMigration(version: 2, name: "s2", text: "up 2 ")
    #expect(code(.up(to: nil), edited).0 == .edited)
    #expect(code(.down(to: 0), edited).0 == .edited)
    #expect(code(.up(to: 5), Self.applied([])).0 == .invalidTarget)
    #expect(code(.down(to: 3), Self.applied([1, 2])).0 == .invalidTarget)
    #expect(code(.down(to: -1), Self.applied([1, 2])).0 == .invalidTarget)
    let oneWay = [Self.step(1), Self.step(2, down: nil)]
    var bare = Self.applied([1, 2])
    bare.applied[1].downText = nil
    let stuck = code(.down(to: 0), bare, oneWay)
    #expect(stuck.0 == .noWayBack && stuck.1.contains("step 2 (s2)"))
  }

  @Test("Every way from every state ends where it was to end")
  func allWays() throws {
    for has in 0...4 {
      for target in 0...4 {
        var history = Self.applied(Array(1..<(has + 1)))
        let goal: MigrationGoal = target >= has ? .up(to: target) : .down(to: target)
        for step in try plan.steps(to: goal, from: history) {
          switch step.direction {
          case .up:
            #expect(step.migration.version == history.version + 1)
            history.applied.append(
              AppliedMigration(version: step.migration.version, name: "", text: step.sql))
          case .down: #expect(history.applied.removeLast().version == step.migration.version)
          }
        }
        #expect(history.version == target)
      }
    }
  }

  @Test("Where a database stands")
  func status() {
    var history = Self.applied([1, 2])
    history.applied[0] = AppliedMigration(version: 1, name: "s1", text: "other")
    let status = MigrationStatus(plan.migrations, history)
    #expect(status.version == 2 && status.newest == 4 && status.pendingCount == 2)
    #expect(status.steps.map(\.state) == [.edited, .applied, .pending, .pending])
    let unknown = MigrationStatus([], Self.applied([1]))
    #expect(unknown.steps.map(\.state) == [.unknown])
  }
}
