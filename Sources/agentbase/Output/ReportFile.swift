// The JSON report as a file: checked before the run begins, written whole or not at all.

internal import AgentBase
internal import Foundation

/// Where a report is going to be written.
struct ReportFile: Sendable {
  let path: String

  /// Makes sure that the file can be written: nobody wants to learn it after an hour's run.
  init(_ path: String) throws(Failure) {
    self.path = path
    let folder = URL(filePath: path).deletingLastPathComponent().path
    guard unsafe access(folder.isEmpty ? "." : folder, W_OK | X_OK) == 0 else {
      throw Failure(
        "the report \(path) cannot be written: \(unsafe String(cString: strerror(errno)))",
        advice: "give another file with --report FILE")
    }
    var status = stat()
    guard unsafe stat(path, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR else {
      throw Failure(
        "the report \(path) cannot be written: it is a folder", advice: "give a file with --report FILE")
    }
  }

  /// `migration_report_20240115T103000Z.json` in the current folder, as guide 1 looks for it; a later number where that
  /// is taken.
  static func standardName() -> String {
    let time = Date().formatted(
      .iso8601.year().month().day().dateSeparator(.omitted).time(includingFractionalSeconds: false)
        .timeSeparator(.omitted))
    let names = ([""] + (2...99).map { "_\($0)" }).map { "migration_report_\(time)Z\($0).json" }
    return names.first { !FileManager.default.fileExists(atPath: $0) } ?? names[0]
  }

  func write(_ json: JSON) throws(Failure) {
    do {
      try Data((json.text + "\n").utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw Failure(
        "the run is done, but its report \(path) cannot be written: \(error.localizedDescription)",
        advice: "run it again with another --report FILE: nothing is done twice")
    }
  }
}
