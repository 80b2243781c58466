// The report as a file of JSON and a page to look at beside it: checked before the run begins, each written whole or not at
// all.

internal import AgentBase
internal import Foundation
internal import LegacyImport

/// Where a report is going to be written.
struct ReportFile: Sendable {
  /// The JSON report.
  let path: String
  /// The page of the same name beside it.
  let pagePath: String

  /// Makes sure that both files can be written: nobody wants to learn it after an hour's run.
  ///
  /// - Parameter path: the JSON report's path; where it ends with `.html`, the page's.
  init(_ path: String) throws(Failure) {
    let name = Self.withoutExtension(path)
    self.path = path.hasSuffix(".html") ? name + ".json" : path
    pagePath = name + ".html"
    for path in [self.path, pagePath] { try Self.check(path) }
  }

  /// The path without `.json` or `.html`.
  private static func withoutExtension(_ path: String) -> String {
    let known = [".json", ".html"].first { path.hasSuffix($0) && URL(filePath: path).lastPathComponent != $0 }
    return known.map { String(path.dropLast($0.count)) } ?? path
  }

  private static func check(_ path: String) throws(Failure) {
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
    return names.first { name in
      [name, withoutExtension(name) + ".html"].allSatisfy { !FileManager.default.fileExists(atPath: $0) }
    } ?? names[0]
  }

  /// Writes the report, and the page where there is one.
  func write(_ json: JSON, page: ReportPage? = nil) throws(Failure) {
    try write(json.text + "\n", to: path)
    if let page { try write(page.html, to: pagePath) }
  }

  private func write(_ text: String, to path: String) throws(Failure) {
    do {
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw Failure(
        "the run is done, but its report \(path) cannot be written: \(error.localizedDescription)",
        advice: "run it again with another --report FILE: nothing is done twice")
    }
  }
}
