// A headless Chromium, where one is installed: opens a page as a reader does, and tells what it saw.

import AgentBase
import Foundation
import TestSupport
import Testing

/// Chromium without a window.
struct Browser {
  /// The program; nil where none is on `PATH`.
  static let path: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let names = ["chromium", "chromium-browser", "google-chrome"]
    return folders.lazy.flatMap { folder in names.map { "\(folder)/\($0)" } }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()
  static let missing: Comment = "no Chromium on PATH: apt-get install chromium"

  /// What a page was when it had loaded.
  struct View {
    /// Its document, scripts run.
    let document: String
    /// What it and the browser told the console.
    let console: [String]
    /// Every address that was asked for, the browser's own included.
    let requests: String
  }

  /// The browser's profile and its files.
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder("browser") }

  /// Opens a file.
  func view(_ file: String) async throws -> View {
    let log = folder.path + "/\(UUID().uuidString).json"
    let run = try await run([
      "--enable-logging=stderr", "--log-net-log=\(log)", "--allow-file-access-from-files", "--dump-dom",
      "file://\(file)",
    ])
    try #require(run.exitCode == 0, "\(run.errors.suffix(2000))")
    return View(
      document: run.output, console: run.errorLines.filter { $0.contains(":CONSOLE") }.map(String.init),
      requests: try String(contentsOf: URL(filePath: log), encoding: .utf8))
  }

  /// Takes a picture of the top of a file.
  func picture(_ file: String, width: Int, isDark: Bool) async throws -> Data {
    let picture = folder.path + "/\(UUID().uuidString).png"
    let scheme = isDark ? ["--blink-settings=preferredColorScheme=0"] : []
    let run = try await run(
      scheme + [
        "--hide-scrollbars", "--window-size=\(width),1200", "--screenshot=\(picture)", "file://\(file)",
      ])
    try #require(run.exitCode == 0, "\(run.errors.suffix(2000))")
    return try Data(contentsOf: URL(filePath: picture))
  }

  /// Lays pages out in frames of some widths and measures them there.
  ///
  /// - Returns: an object a page and width, in that order: `scripts`, `width` (what its content takes) and `room` (what
  ///   it has beside the scroll bar), `requests` (what it asked for), `title`, and `background` of its body.
  func measure(_ files: [String], widths: [Int]) async throws -> (sizes: [JSON], view: View) {
    let frames = files.flatMap { file in
      widths.map { "<iframe src=\"file://\(file)\" style=\"width: \($0)px; height: 800px\"></iframe>" }
    }
    let page = """
      <!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">\(frames.joined())<pre id="sizes"></pre>
      <script>
      addEventListener('load', () => {
        document.getElementById('sizes').textContent = 'sizes' + JSON.stringify(
          [...document.querySelectorAll('iframe')].map(frame => {
            const page = frame.contentDocument;
            return {
              scripts: page.scripts.length, width: page.documentElement.scrollWidth,
              room: page.documentElement.clientWidth, title: page.title,
              requests: frame.contentWindow.performance.getEntriesByType('resource').length,
              background: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
            };
          }));
      });
      </script>
      """
    let harness = folder.path + "/\(UUID().uuidString).html"
    try page.write(to: URL(filePath: harness), atomically: false, encoding: .utf8)
    let view = try await view(harness)
    let sizes = try #require(view.document.firstMatch(of: /<pre id="sizes">sizes(.*?)<\/pre>/)).1
    guard case .array(let values) = try JSON(parsing: String(sizes)) else { return ([], view) }
    return (values, view)
  }

  private func run(_ words: [String]) async throws -> Command {
    let program = try #require(Self.path)
    let running = try RunningCommand(
      program,
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-crash-reporter",
        "--disable-breakpad", "--user-data-dir=\(folder.path)/profile",
      ] + words, in: folder.path, environment: ["HOME": folder.path])
    return await running.ended()
  }
}
