// The standard streams of whoever typed `swift package import-legacy`.

import Foundation
import Glibc

/// The standard streams of the package manager, which are the user's.
///
/// A plugin's own are the package manager's: its input is a channel of messages, and its output and its errors
/// both end up on the user's standard output, where a JSON document must stand alone. So they are opened again
/// through the package manager's process. Where that cannot be, the plugin's own are used.
struct UserStreams {
  let input: FileHandle
  let output: FileHandle
  /// Nil where they go to a file: the package manager writes there too, at a place of its own.
  let errors: FileHandle?

  init() {
    input = Self.open(0, O_RDONLY) ?? .nullDevice
    output = Self.open(1, O_WRONLY | O_APPEND) ?? .standardOutput
    let errors = Self.open(2, O_WRONLY | O_APPEND)
    var status = stat()
    let isFile = errors.map { fstat($0.fileDescriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG }
    self.errors = isFile == false ? errors : nil
  }

  private static func open(_ stream: Int, _ mode: Int32) -> FileHandle? {
    let parent = "/proc/\(getppid())"
    let name = try? String(contentsOfFile: "\(parent)/comm", encoding: .utf8)
    guard name?.hasPrefix("swift-package") == true else { return nil }
    let file = Glibc.open("\(parent)/fd/\(stream)", mode | O_CLOEXEC)
    guard file >= 0 else { return nil }
    return FileHandle(fileDescriptor: file, closeOnDealloc: true)
  }
}
