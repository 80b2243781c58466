// The processor time of a Postgres server on this machine, read from /proc.

internal import Foundation
internal import Glibc

/// The processes of a server: the one that was started, and those that it has started.
struct ServerProcesses: Sendable {
  /// The server's first process.
  let main: pid_t

  /// The server whose first process this is.
  init(main: pid_t) { self.main = main }

  /// The server to which a backend belongs; nil where the process is none of a Postgres on this machine.
  init?(backend: pid_t) {
    guard let status = Self.status(of: backend), status.name == "postgres" else { return nil }
    main = status.parent
  }

  /// Seconds of processor time so far, those of processes that have ended included; nil where nothing can be read.
  var cpuSeconds: Double? {
    guard let own = Self.status(of: main) else { return nil }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    let children = names.lazy.compactMap { pid_t($0) }.compactMap(Self.status).filter { $0.parent == main }
    let ticks = children.reduce(own.ticks + own.ticksOfTheDead) { $0 + $1.ticks }
    return Double(ticks) / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
  }

  /// What proc(5) tells of a process in `stat`.
  private struct Status {
    let name: Substring
    let parent: pid_t
    /// Its own time, and that of children that it has waited for.
    let ticks: Int
    let ticksOfTheDead: Int
  }

  private static func status(of process: pid_t) -> Status? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return nil }
    let text = String(decoding: data, as: UTF8.self)
    // The name stands in parentheses and may hold some itself.
    guard let start = text.firstIndex(of: "("), let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 14, let parent = pid_t(fields[1]) else { return nil }
    let times = fields[11...14].compactMap { Int($0) }
    guard times.count == 4 else { return nil }
    return Status(
      name: text[text.index(after: start)..<end], parent: parent, ticks: times[0] + times[1],
      ticksOfTheDead: times[2] + times[3])
  }
}
