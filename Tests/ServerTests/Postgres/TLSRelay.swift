// A server of PostgreSQL's protocol that sends TLS records of 16 KB, as poolers and later servers do.

import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

/// `openssl s_server` before a database: it sends in one record what it reads at once, up to 16 KB, where
/// PostgreSQL 15 itself never sends more than 8 KB.
///
/// It serves one connection. What comes before TLS in PostgreSQL's protocol is done here.
final class TLSRelay: Sendable {
  let port: UInt16
  private let listener: Int32
  private let process: Process

  /// Starts before the database of a Unix socket.
  init(_ certificates: Certificates, to socketFile: String) async throws {
    let (reserved, inner) = try Loopback.listener()
    close(reserved)
    let database = try Self.connection(to: socketFile)
    process = Process()
    // Nothing is left behind where the tests are killed before somebody has connected.
    process.executableURL = URL(filePath: "/usr/bin/timeout")
    process.arguments = [
      "300", OpenSSL.path ?? "openssl", "s_server", "-quiet", "-accept", "127.0.0.1:\(inner)",
      "-naccept", "1", "-cert", certificates.server.certificate, "-key", certificates.server.key,
    ]
    // Its standard streams are the database, whose small pieces are gathered on the way.
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0
    else {
      throw Loopback.Failed()
    }
    let stream = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
    Self.join(ends[1], database, gathersFromSecond: true)
    process.standardInput = stream
    process.standardOutput = stream
    process.standardError = FileHandle.nullDevice
    try process.run()
    let (listener, port) = try Loopback.listener()
    self.listener = listener
    self.port = port
    var upstream: Int32?
    try await until {
      upstream = try? Loopback.connection(to: inner)
      return upstream != nil
    }
    guard let upstream else { throw Loopback.Failed() }
    Thread.detachNewThread { [listener] in Self.serve(listener, upstream) }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
    if process.isRunning { process.terminate() }
  }

  /// Agrees to TLS, and hands on what both sides say.
  private static func serve(_ listener: Int32, _ upstream: Int32) {
    let client = accept(listener, nil, nil)
    for socket in [client, upstream] {
      var on: Int32 = 1
      setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    var request = [UInt8](repeating: 0, count: 8)
    guard client >= 0, recv(client, &request, 8, Int32(MSG_WAITALL)) == 8,
      send(client, [UInt8(ascii: "S")], 1, 0) == 1
    else {
      close(upstream)
      if client >= 0 { close(client) }
      return
    }
    join(client, upstream)
  }

  /// Hands on what each of two sockets says to the other, until one of them ends; closes both.
  private static func join(_ one: Int32, _ two: Int32, gathersFromSecond: Bool = false) {
    let ended = Shared(0)
    for (source, target, gathers) in [(one, two, false), (two, one, gathersFromSecond)] {
      Thread.detachNewThread {
        copy(from: source, to: target, gathers: gathers)
        // Nobody may close a socket under the other thread.
        guard
          ended.withLock({
            $0 += 1
            return $0
          }) == 2
        else { return }
        close(one)
        close(two)
      }
    }
  }

  private static func copy(from source: Int32, to target: Int32, gathers: Bool = false) {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while true {
      var count = recv(source, &bytes, bytes.count, 0)
      guard count > 0 else { break }
      while gathers, count < bytes.count, isReadable(source) {
        let more = bytes[count...].withUnsafeMutableBytes { recv(source, $0.baseAddress, $0.count, 0) }
        guard more > 0 else { break }
        count += more
      }
      var sent = 0
      while sent < count {
        let step = bytes[sent..<count].withUnsafeBytes {
          send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard step > 0 else { break }
        sent += step
      }
      if sent < count { break }
    }
    shutdown(target, Int32(SHUT_RDWR))
    shutdown(source, Int32(SHUT_RDWR))
  }

  /// Whether something comes within moments.
  private static func isReadable(_ socket: Int32) -> Bool {
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 5) > 0
  }

  private static func connection(to file: String) throws -> Int32 {
    let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) {
      $0.copyBytes(from: Array(file.utf8).prefix($0.count - 1))
    }
    let failed = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) != 0
      }
    }
    if failed {
      close(socket)
      throw Loopback.Failed()
    }
    return socket
  }
}
