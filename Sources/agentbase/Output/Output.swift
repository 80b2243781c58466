// The two streams: what was asked for goes to standard output, what went wrong to standard error.

internal import Glibc

enum Output {
  /// Writes lines to standard output.
  static func standard(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

  /// Writes lines to standard error, passwords taken out.
  static func error(_ text: String) { write(Secrets.ofProcess.removed(from: text) + "\n", to: STDERR_FILENO) }

  /// Writes to standard error as it is: a line that is drawn again and again.
  static func drawing(_ text: String) { write(text, to: STDERR_FILENO) }

  /// Whether standard error is a terminal that can redraw a line.
  static var canDraw: Bool {
    guard isatty(STDERR_FILENO) == 1 else { return false }
    let kind = unsafe getenv("TERM").map { unsafe String(cString: $0) }
    return kind != "dumb"
  }

  /// The columns of the terminal; 80 where it does not tell.
  static var columns: Int {
    var size = winsize()
    let isKnown = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }

  /// Writes all bytes; a reader that has gone away ends the writing, not the work.
  private static func write(_ text: String, to stream: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(stream, $0.baseAddress, $0.count) }
      if count >= 0 {
        bytes = bytes.dropFirst(count)
      } else if errno == EAGAIN {
        var wait = pollfd(fd: stream, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&wait, 1, -1)
      } else if errno != EINTR {
        return
      }
    }
  }
}
