// A disk of a test's own that can be filled to its end, and emptied again.

import Foundation

/// A small file system in memory. Only root may mount one.
///
/// A shell holds the mount and ends it when the value is gone, or when the test process has died in whatever way.
public final class SmallDisk: Sendable {
  /// Where it is mounted.
  public let path: String
  private let holder: Pipe

  /// Why there can be none here; nil where there can.
  public static let missing: String? = {
    guard geteuid() == 0 else { return "only root can mount a small disk to fill it" }
    guard let disk = try? SmallDisk(megabytes: 1) else { return "a small disk cannot be mounted here" }
    return withExtendedLifetime(disk) { nil }
  }()

  /// Mounts a disk of this size.
  public init(megabytes: Int) throws {
    path = try TestProcess.newPath("disk")
    holder = Pipe()
    let answer = Pipe()
    let shell = Process()
    shell.executableURL = URL(filePath: "/bin/sh")
    // The last line of the script is reached when nobody holds the pipe any more.
    shell.arguments = [
      "-c",
      """
      trap '' INT HUP TERM
      mkdir -p "$1" && mount -t tmpfs -o size="$2"m,mode=0711 agentbase-disk "$1" && echo mounted
      exec >/dev/null
      read -r _
      umount -l "$1"; rmdir "$1"
      """, "sh", path, String(megabytes),
    ]
    shell.standardInput = holder
    shell.standardOutput = answer
    shell.standardError = FileHandle.nullDevice
    try shell.run()
    let words = (try? answer.fileHandleForReading.readToEnd()) ?? Data()
    guard !words.isEmpty else { throw CocoaError(.fileWriteUnknown) }
  }

  deinit { try? holder.fileHandleForWriting.close() }

  // MARK: - Filling

  private var ballast: String { path + "/ballast" }

  /// Fills the disk but for so many bytes.
  public func fill(leaving bytes: Int = 0) throws {
    guard FileManager.default.createFile(atPath: ballast, contents: nil) else { return }
    let handle = try FileHandle(forWritingTo: URL(filePath: ballast))
    defer { try? handle.close() }
    let free =
      try FileManager.default.attributesOfFileSystem(forPath: path)[.systemFreeSize] as? Int ?? 0
    let piece = Data(repeating: 0x42, count: 1 << 16)
    var left = max(0, free - bytes)
    while left > 0 {
      // Others write meanwhile: there may be less than there was.
      guard (try? handle.write(contentsOf: piece.prefix(left))) != nil else { return }
      left -= min(left, piece.count)
    }
  }

  /// Gives the space back.
  public func empty() { try? FileManager.default.removeItem(atPath: ballast) }
}
