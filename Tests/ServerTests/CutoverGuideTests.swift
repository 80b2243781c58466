// The commands of Documentation/FromSQLiteToPostgres.md, run in their order: each ends well, and prints what stands there.

import Foundation
import TestSupport
import Testing

@Suite("From SQLite to Postgres in four weeks") struct CutoverGuideTests {
  /// A line that is typed, and what is printed then.
  struct Step: Sendable {
    var typed: String
    var printed: [String] = []
  }

  /// The steps of a document's blocks of the kind `console`.
  static func steps(of document: String) -> [Step] {
    var steps: [Step] = []
    for block in document.split(separator: "```console\n").dropFirst() {
      let lines = block.split(separator: "```", omittingEmptySubsequences: false).first ?? ""
      for line in lines.split(separator: "\n") {
        if line.hasPrefix("$ ") {
          steps.append(Step(typed: String(line.dropFirst(2))))
        } else if !steps.isEmpty {
          steps[steps.count - 1].printed.append(String(line))
        }
      }
    }
    return steps
  }

  /// The words of a line, as a shell takes them: apostrophes hold them together.
  static func words(of line: String) -> [String] {
    line.split(separator: "'", omittingEmptySubsequences: false).enumerated().flatMap { place, part in
      place.isMultiple(of: 2) ? part.split(separator: " ").map(String.init) : [String(part)]
    }
  }

  /// Whether a line is as it stands in the document, where one `…` stands for anything.
  static func fits(_ line: String, _ pattern: String) -> Bool {
    let parts = pattern.components(separatedBy: "…")
    guard parts.count == 2 else { return line == pattern }
    return line.hasPrefix(parts[0]) && line.hasSuffix(parts[1])
      && line.utf8.count >= parts[0].utf8.count + parts[1].utf8.count
  }

  @Test("Each command does and prints what the guide says")
  func commands() async throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    let document = try String(
      contentsOf: root.appending(path: "Documentation/FromSQLiteToPostgres.md"), encoding: .utf8)
    let steps = Self.steps(of: document)
    #expect(steps.count > 25)
    let fleet = try LegacyFolder()
    let url = try await TestServer.freshDatabase(TestServer.versions.last ?? .v15)
    var environment: [String: String] = [:]
    for step in steps {
      let words = Self.words(of: step.typed)
      if words.first == "export" {
        let parts = try #require(words.last).split(separator: "=", maxSplits: 1).map(String.init)
        environment[parts[0]] = parts[0] == "DATABASE_URL" ? url : parts[1]
        continue
      }
      #expect(words.first == "agentbase")
      let command = try await Command.run(
        Array(words.dropFirst()), in: fleet.home, environment: environment)
      #expect(command.exitCode == 0, "\(step.typed): \(command.output)\(command.errors)")
      // What no test can foresee stands nowhere: a command without lines prints what it likes.
      guard !step.printed.isEmpty else { continue }
      let lines = command.output.split(separator: "\n").map(String.init)
      #expect(lines.count == step.printed.count, "\(step.typed): \(command.output)")
      for (line, pattern) in zip(lines, step.printed) {
        #expect(Self.fits(line, pattern), "\(step.typed): \(line)")
      }
    }
  }

  @Test("A pattern fits what it stands for, and nothing else")
  func patterns() {
    #expect(Self.fits("compared: 3 memory keys", "compared: …"))
    #expect(!Self.fits("differs: 3 memory keys", "compared: …"))
    #expect(Self.fits("a 1 b", "a … b") && !Self.fits("a 1 c", "a … b") && !Self.fits("a 1 b c", "a … b"))
    #expect(Self.fits("same", "same") && !Self.fits("same ", "same"))
    #expect(Self.words(of: "memory put a '{\"b\": 1}' --x") == ["memory", "put", "a", "{\"b\": 1}", "--x"])
  }
}
