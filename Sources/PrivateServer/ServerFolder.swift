// Where a private server keeps its files, and how they are made.

import Foundation
import Glibc

/// The folder of one private server: its data, its log and its socket.
struct ServerFolder: Sendable, Hashable {
  /// The longest path that fits into `sockaddr_un`, its NUL aside.
  private static let longestSocketPath = 107

  let path: String

  var data: String { "\(path)/data" }
  /// Where `initdb` works: it becomes `data` in one step, so that a killed `initdb` leaves no half of one.
  var dataInMaking: String { "\(path)/data.new" }
  var log: String { "\(path)/server.log" }
  var configuration: String { "\(data)/agentbase.conf" }
  /// The socket's folder, or a link to it where its path would be too long for a socket.
  private var run: String { "\(path)/run" }

  /// Whether a finished cluster is there.
  var holdsData: Bool { FileManager.default.fileExists(atPath: "\(data)/PG_VERSION") }

  /// The folder of the socket, as a client must name it.
  var socketDirectory: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: run)) ?? run
  }

  /// The major version of the data; nil where there are none.
  var dataVersion: Int? {
    guard let text = try? String(contentsOfFile: "\(data)/PG_VERSION", encoding: .utf8) else { return nil }
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// The server's process as its lock file names it; nil where it has none or the process is gone.
  var processIdentifier: Int32? {
    guard let text = try? String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8),
      let process = text.split(separator: "\n").first.flatMap({ Int32($0) }), process > 0
    else { return nil }
    // EPERM: it is there and another user's.
    guard kill(process, 0) == 0 || errno == EPERM else { return nil }
    // The lock file of a killed server stays, and its number may be another program's by now.
    let command = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)
    if let command, !command.hasPrefix("postgres") { return nil }
    return process
  }

  /// The last lines of the log, for an error message.
  func endOfLog() -> String {
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(8).joined(separator: "\n")
  }

  // MARK: Making and removing

  /// Makes the folder, or takes an empty one or one that holds a server.
  func prepare(for account: ServerAccount?) async throws(PrivateServerError) {
    let files = FileManager.default
    do {
      try files.createDirectory(atPath: path, withIntermediateDirectories: true)
      let entries = try files.contentsOfDirectory(atPath: path)
      let ours: Set = ["data", "data.new", "run", "server.log"]
      guard entries.allSatisfy(ours.contains) else { throw PrivateServerError.occupied(directory: path) }
      // What a killed initdb left.
      if entries.contains("data.new") { try files.removeItem(atPath: dataInMaking) }
    } catch let error as PrivateServerError {
      throw error
    } catch {
      throw .fileFailed(path: path, reason: error.localizedDescription)
    }
    guard unsafe chmod(path, 0o700) == 0 || errno == EPERM else {
      throw .fileFailed(path: path, reason: lastError())
    }
    if let account {
      try account.own(path)
      try await account.checkReach(of: path)
    }
  }

  /// Makes the socket's folder, in the system's temporary folder where the path here would be too long.
  ///
  /// Answers the folder outside of this one, if there is one.
  func prepareSocket(for account: ServerAccount?) throws(PrivateServerError) -> String? {
    let files = FileManager.default
    if let link = try? files.destinationOfSymbolicLink(atPath: run) {
      if files.fileExists(atPath: link) { return link }
      try remove(run)
    }
    guard "\(run)/.s.PGSQL.5432".utf8.count > Self.longestSocketPath else {
      if unsafe mkdir(run, 0o700) != 0, errno != EEXIST {
        throw .fileFailed(path: run, reason: lastError())
      }
      try account?.own(run)
      return nil
    }
    let short = try makeTemporaryFolder(prefix: "agentbase-socket-", in: "/tmp")
    try account?.own(short)
    guard unsafe symlink(short, run) == 0 else { throw .fileFailed(path: run, reason: lastError()) }
    return short
  }

  /// Writes a file for the server to read.
  func write(_ text: String, to file: String, for account: ServerAccount?) throws(PrivateServerError) {
    do {
      try text.write(toFile: file, atomically: true, encoding: .utf8)
    } catch {
      throw .fileFailed(path: file, reason: error.localizedDescription)
    }
    try account?.own(file)
  }

  /// Removes the folder and the socket's folder outside of it.
  func remove() throws(PrivateServerError) {
    if let outside = try? FileManager.default.destinationOfSymbolicLink(atPath: run) {
      try remove(outside)
    }
    try remove(path)
  }

  private func remove(_ path: String) throws(PrivateServerError) {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch CocoaError.fileNoSuchFile {
      return
    } catch {
      throw .fileFailed(path: path, reason: error.localizedDescription)
    }
  }
}

/// Makes a folder with a new name that only we may enter.
func makeTemporaryFolder(prefix: String, in parent: String) throws(PrivateServerError) -> String {
  var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
  guard unsafe mkdtemp(&template) != nil else {
    throw .fileFailed(path: parent, reason: "no temporary folder can be made in it: \(lastError())")
  }
  return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
