// What another program reads in SQLite files, to hold our own account against.

import AgentBase
import Foundation
import TestSupport

/// What Python's `sqlite3` finds in a file.
struct IndependentReading: Sendable {
  /// What is wrong with its pages, or why it cannot be read; nil where all of it can be.
  let fault: String?
  /// Whether it finds rows or indexes in disorder, as where damage made two rows have one key: all can be read, and yet no
  /// account of it can be right.
  let isInDoubt: Bool
  /// The number of rows of each table that has rows of its own, in order of the numbers: damage may hit the very names.
  let rows: [Int]

  /// Reads these files below a folder, by copies: to open a file may change it.
  static func read(_ paths: [String], in root: String) async throws -> [String: IndependentReading] {
    let folder = try TemporaryFolder("reading")
    for path in paths {
      for suffix in ["", "-wal", "-journal"]
      where FileManager.default.fileExists(atPath: root + "/" + path + suffix) {
        try FileManager.default.copyItem(
          atPath: root + "/" + path + suffix, toPath: folder.file(path) + suffix)
      }
    }
    try Data(paths.joined(separator: "\n").utf8).write(to: URL(filePath: folder.path + "/paths"))
    let python = Process()
    python.executableURL = URL(filePath: "/usr/bin/env")
    python.arguments = ["python3", "-c", script, folder.path]
    let output = try folder.file("answer")
    try Data().write(to: URL(filePath: output))
    python.standardOutput = FileHandle(forWritingAtPath: output)
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    python.terminationHandler = { _ in end.finish() }
    try python.run()
    for await _ in ends {}
    let answer = try JSON(
      parsing: String(decoding: FileManager.default.contents(atPath: output) ?? Data(), as: UTF8.self))
    var readings: [String: IndependentReading] = [:]
    for path in paths {
      guard case .array(let rows)? = answer[path]?["rows"] else { continue }
      readings[path] = IndependentReading(
        fault: answer[path]?["fault"]?.stringValue, isInDoubt: answer[path]?["doubt"] == true,
        rows: rows.compactMap { $0.int64Value.map { Int($0) } })
    }
    return readings
  }

  private static let script = #"""
    import json, sqlite3, sys
    folder = sys.argv[1]
    answers = {}
    for path in open(folder + "/paths").read().split("\n"):
        fault, doubt, rows = None, False, []
        try:
            file = sqlite3.connect(folder + "/" + path)
            file.text_factory = bytes
            for (line,) in file.execute("PRAGMA main.quick_check(100)"):
                if line.startswith(b"*** in database"): fault = line.decode("utf-8", "replace")
            doubt = file.execute("PRAGMA main.integrity_check").fetchall() != [(b"ok",)]
            tables = file.execute(
                "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')").fetchall()
            for name, _ in tables:
                if name == b"sqlite_schema" or name.startswith(b"sqlite_stat"): continue
                quoted = b'"' + name.replace(b'"', b'""') + b'"'
                quoted = quoted.decode("utf-8", "surrogateescape")
                rows.append(sum(1 for _ in file.execute("SELECT * FROM main.%s NOT INDEXED" % quoted)))
        except Exception as error:
            fault = "%s: %s" % (type(error).__name__, error)
        answers[path] = {"fault": fault, "doubt": doubt, "rows": sorted(rows)}
    print(json.dumps(answers))
    """#
}
