// The SQL that is compiled in is the SQL in Schema/, byte for byte.

import Foundation
import Schema
import Testing

@Suite struct EmbeddedSchemaTests {
  @Test(arguments: ["postgres", "sqlite"])
  func isTheFiles(database: String) throws {
    let steps = database == "postgres" ? Schema.postgres : Schema.sqlite
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Schema/\(database)").standardizedFileURL
    var expected: [String: Data] = [:]
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    where name.hasSuffix(".sql") {
      expected[name] = try Data(contentsOf: folder.appending(path: name))
    }
    var embedded: [String: Data] = [:]
    for step in steps {
      let digits = String(step.version)
      let stem = String(repeating: "0", count: 4 - digits.count) + digits + "_\(step.name)"
      embedded["\(stem).up.sql"] = Data(step.up.utf8)
      embedded["\(stem).down.sql"] = Data(step.down.utf8)
      embedded["\(stem).check-before.sql"] = step.checkBefore.map { Data($0.utf8) }
      embedded["\(stem).check-after.sql"] = step.checkAfter.map { Data($0.utf8) }
    }
    #expect(embedded == expected)
    #expect(steps.map(\.version) == Array(1..<(steps.count + 1)))
  }
}
