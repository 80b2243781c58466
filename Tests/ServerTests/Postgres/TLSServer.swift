// A server that speaks TLS on 127.0.0.1, with an authority, certificates and keys of its own.

import Foundation
import Glibc
import Postgres
import PrivateServer
import Synchronization
import TestSupport
import Testing

/// What the tests of TLS share: Debian's server (the others are built without TLS), reached by TCP.
struct TLSServer: Sendable {
  /// The name that the server's certificate is for; no address has it, so that `hostaddr` goes with it.
  static let name = "database.test"

  let server: TestServer
  let certificates: Certificates
  let port: UInt16

  /// Whether all that the tests need is there, and what to say where it is not.
  static let isAvailable = OpenSSL.path != nil && TestServer.Version.v15.binaries.map(speaksTLS) ?? false
  static let missing: Comment =
    "no openssl command (run Scripts/setup), or PostgreSQL 15 was built without TLS"

  private static func speaksTLS(_ binaries: PostgresBinaries) -> Bool {
    FileManager.default.contents(atPath: binaries.program("postgres"))?.range(of: Data("libssl.so".utf8))
      != nil
  }

  // MARK: Starting

  /// The one server of this process; ended with it.
  static func shared() async throws -> TLSServer {
    let start = sharedServer.withLock { start in
      if let start { return start }
      let new = Task { try await TLSServer.started() }
      start = new
      return new
    }
    return try await start.value
  }

  private static let sharedServer = Mutex<Task<TLSServer, any Error>?>(nil)

  private static func started() async throws -> TLSServer {
    let certificates = try await Certificates.made()
    let (server, port) = try await listening([
      "ssl": "on", "ssl_cert_file": certificates.server.certificate, "ssl_key_file": certificates.server.key,
      "ssl_ca_file": certificates.authority,
    ])
    return TLSServer(server: server, certificates: certificates, port: port)
  }

  /// A server that listens on a free port of 127.0.0.1, beside its socket.
  static func listening(_ parameters: [String: String]) async throws -> (TestServer, UInt16) {
    var attempts = 0
    while true {
      let port = try freePort()
      var settings = PrivateServer.Settings.forTests
      settings.parameters.merge(parameters) { $1 }
      settings.parameters["listen_addresses"] = "127.0.0.1"
      settings.parameters["port"] = "\(port)"
      settings.accessRules = """
        local all all trust
        hostssl all certified 127.0.0.1/32 cert
        hostssl all all 127.0.0.1/32 trust
        """
      do {
        return (try await TestServer.dedicated(settings: settings), port)
      } catch {
        // Somebody else may have taken the port meanwhile.
        attempts += 1
        if attempts == 3 { throw error }
      }
    }
  }

  private static func freePort() throws -> UInt16 {
    let (socket, port) = try Loopback.listener()
    close(socket)
    return port
  }

  // MARK: Configurations

  /// How to reach a database of the server by TCP.
  func configuration(_ mode: String, database: String = "postgres") throws -> PostgresConfiguration {
    try PostgresConfiguration(
      "host=\(Self.name) hostaddr=127.0.0.1 port=\(port) user=postgres dbname=\(database) sslmode=\(mode)")
  }
}

// MARK: - Certificates

/// Certificates that are made for one run of the tests.
struct Certificates: Sendable {
  struct Pair: Sendable {
    let certificate: String
    let key: String
  }

  private let folder: TemporaryFolder
  /// The authority that signed the others.
  let authority: String
  /// An authority that signed none.
  let stranger: String
  /// The server's.
  let server: Pair
  /// That of the role `certified`.
  let client: Pair

  static func made() async throws -> Certificates {
    let folder = try TemporaryFolder("certificates")
    let path = folder.path
    for name in ["authority", "stranger"] {
      try await OpenSSL.run([
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=\(name)", "-keyout", "\(path)/\(name).key", "-out", "\(path)/\(name).crt",
      ])
    }
    func signed(_ name: String, for subject: String) async throws -> Pair {
      let pair = Pair(certificate: "\(path)/\(name).crt", key: "\(path)/\(name).key")
      try await OpenSSL.run([
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
        "/CN=\(subject)",
        "-keyout", pair.key, "-out", "\(path)/\(name).csr",
      ])
      try await OpenSSL.run([
        "x509", "-req", "-in", "\(path)/\(name).csr", "-CA", "\(path)/authority.crt", "-CAkey",
        "\(path)/authority.key", "-CAcreateserial", "-days", "2", "-out", pair.certificate,
      ])
      chmod(pair.key, 0o600)
      return pair
    }
    let server = try await signed("server", for: TLSServer.name)
    let client = try await signed("client", for: "certified")
    // Where root runs the tests, this user runs the server.
    if geteuid() == 0, let user = getpwnam("postgres") {
      chown(server.key, user.pointee.pw_uid, user.pointee.pw_gid)
    }
    return Certificates(
      folder: folder, authority: "\(path)/authority.crt", stranger: "\(path)/stranger.crt", server: server,
      client: client)
  }
}

/// The command `openssl`.
enum OpenSSL {
  static let path = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// Runs it to its end.
  static func run(_ words: [String]) async throws {
    let process = Process()
    process.executableURL = URL(filePath: try #require(path))
    process.arguments = words
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let status: Int32 = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    try #require(status == 0, "openssl \(words.joined(separator: " "))")
  }
}

/// Sockets of this machine alone.
enum Loopback {
  struct Failed: Error {
    let code = errno
  }

  /// A socket that listens on a free port.
  static func listener() throws -> (socket: Int32, port: UInt16) {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = address(port: 0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, size) != 0 || listen(socket, 16) != 0 || getsockname(socket, $0, &size) != 0
      }
    }
    if failed { throw Failed() }
    return (socket, UInt16(bigEndian: address.sin_port))
  }

  /// A socket that is connected to a port.
  static func connection(to port: UInt16) throws -> Int32 {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = address(port: port)
    let failed = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) != 0
      }
    }
    if failed {
      close(socket)
      throw Failed()
    }
    return socket
  }

  private static func address(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    return address
  }
}
