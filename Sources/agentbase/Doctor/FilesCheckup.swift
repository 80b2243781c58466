// Looks at the agents' SQLite files: what they are, whether they are sound, and whether there is room to read them.

internal import Foundation
internal import LegacyImport
internal import SQLite

/// The checks of legacy files. It blocks its thread.
struct FilesCheckup: Sendable {
  let source: LegacySource

  /// Looks; changes nothing, not even a `-shm` file.
  func findings() -> [Finding] {
    let discovery: Discovery
    do {
      discovery = try source.discovery(agent: nil)
    } catch {
      return [.fault("files", error.message, advice: error.advice)]
    }
    var findings = discovery.unreadable.map { path, reason in
      Finding.fault("file", "\(printable(path)): \(reason)", advice: "repair it, decrypt it, or leave it out")
    }
    var sound = 0
    for file in discovery.files {
      if let fault = fault(of: file) { findings.append(fault) } else { sound += 1 }
    }
    for (agent, folders) in discovery.collisions.sorted(by: { $0.key < $1.key }) {
      findings.append(
        .note(
          "agents",
          "one agent, \(printable(agent)), of several folders: \(folders.map(printable).joined(separator: ", "))",
          advice: "rename a folder, or import them apart with --agent"))
    }
    if discovery.files.isEmpty, discovery.unreadable.isEmpty {
      findings.append(.note("files", "no SQLite database is there", advice: "check the path"))
    } else if sound > 0 {
      findings.append(.ok("files", "\(sound.counted("SQLite database")) sound"))
    }
    findings.append(room(for: discovery))
    return findings
  }

  private func fault(of file: LegacyFile) -> Finding? {
    do {
      let snapshot = try SQLiteConnection.snapshot(of: file.path)
      guard let fault = try snapshot.integrityCheck().first else { return nil }
      // SQLite's answer is a line for the database and one a fault: the first fault is enough here.
      let lines = fault.split(separator: "\n")
      let first = lines.first { !$0.hasPrefix("***") } ?? "it fails SQLite's integrity check"
      return .fault(
        "file", "\(printable(file.relativePath)) is damaged: \(printable(String(first)))",
        advice: "restore a backup, or save what can be read with the sqlite3 command's .recover")
    } catch {
      return .fault(
        "file", "\(printable(file.relativePath)): \(error.message)",
        advice: "restore a backup, decrypt the file, or leave it out")
    }
  }

  /// A file at rest is read from a copy in the temporary folder.
  private func room(for discovery: Discovery) -> Finding {
    let largest = discovery.files.map { size(of: $0.path) }.max() ?? 0
    let folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    var status = statvfs()
    guard unsafe statvfs(folder, &status) == 0 else {
      return .fault("disk", "the temporary folder \(folder) cannot be looked at", advice: "set TMPDIR")
    }
    let free = Int64(status.f_bavail) * Int64(status.f_frsize)
    let text =
      "\((free / 1_000_000).grouped) MB free in \(folder), the largest file has \((largest / 1_000_000).grouped) MB"
    return free > largest
      ? .ok("disk", text)
      : .note(
        "disk", text, advice: "free space, or set TMPDIR to a larger disk; else files are read in place")
  }

  private func size(of path: String) -> Int64 {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }
}
