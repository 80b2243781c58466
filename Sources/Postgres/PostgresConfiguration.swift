// Where and how to connect: every parameter that libpq knows, and the driver's own few.

import CPostgres

/// How a connection is made.
///
/// Made from a URL (`postgresql://user:password@host:5432/name?sslmode=verify-full`) or a keyword string
/// (`host=/run/postgresql dbname=name`), with all of libpq's parameters: several hosts, TLS, service and password files.
/// What is not given comes from the environment (`PGHOST`, …) as with `psql`. Its `description` holds no password.
public struct PostgresConfiguration: Sendable, Hashable {
  private var parameters: [String: String]

  /// How many prepared statements a connection keeps; the least recently used goes first.
  public var statementCacheLimit = 256
  /// Whether statements are prepared under a name on the server. Off for poolers that know no prepared statements, such
  /// as pgbouncer 1.18 in transaction mode.
  public var preparesStatements = true
  /// How long an attempt on one host may take, from the first packet to the session. Where it is not set: what
  /// `connect_timeout`, the service file or `PGCONNECT_TIMEOUT` says, else 10 s.
  public var connectTimeout: Duration {
    get { timeout ?? .seconds(10) }
    set { timeout = newValue }
  }
  private var timeout: Duration?

  /// Reads a URL or a keyword string.
  ///
  /// - Throws: `invalidConfiguration`, whose text never repeats any part of the string, since any part of a mistyped
  ///   one may be the password.
  public init(_ connectionString: String) throws(PostgresError) {
    parameters = try Self.parse(connectionString)
    try Self.checkSeparators(of: connectionString)
    timeout = parameters["connect_timeout"].flatMap(Self.timeout)
    try validate()
  }

  /// One of libpq's parameters (PostgreSQL manual, "Parameter Key Words"); `nil` where it is not set.
  public subscript(parameter: String) -> String? {
    get { parameters[parameter] }
    set { parameters[parameter] = newValue }
  }

  /// The host or hosts, or the folder of a Unix socket, as given.
  public var host: String? { parameters["host"] ?? parameters["hostaddr"] }
  /// The port or ports, as given.
  public var port: String? { parameters["port"] }
  /// The database, as given.
  public var database: String? { parameters["dbname"] }
  /// The user, as given.
  public var user: String? { parameters["user"] }

  /// This configuration for another database of the same server.
  public func database(_ name: String) -> PostgresConfiguration {
    var copy = self
    copy.parameters["dbname"] = name
    return copy
  }

  // MARK: - Connecting

  /// What is handed to libpq. Results and texts are always UTF-8; notices are handed to a handler.
  var connectionParameters: [(keyword: String, value: String)] {
    var all = parameters
    all["client_encoding"] = "UTF8"
    all["connect_timeout"] = nil
    return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// This configuration with the hosts and the time limit that libpq has taken from the service file and the environment.
  func completed(from link: Link) -> PostgresConfiguration {
    var copy = self
    let known = link.parameters(["host", "hostaddr", "port", "connect_timeout"])
    if host == nil {
      for keyword in ["host", "hostaddr"] { copy.parameters[keyword] = known[keyword] }
    }
    if port == nil { copy.parameters["port"] = known["port"] }
    if timeout == nil { copy.timeout = known["connect_timeout"].flatMap(Self.timeout) }
    return copy
  }

  private static func timeout(_ text: String) -> Duration? {
    Int(text).flatMap { $0 > 0 ? .seconds($0) : nil }
  }

  /// How many hosts may be tried.
  var hostCount: Int { max(1, (host ?? "").split(separator: ",", omittingEmptySubsequences: false).count) }

  /// This configuration with the hosts behind the first `count`, where there are any.
  func droppingHosts(_ count: Int) -> PostgresConfiguration? {
    guard count > 0, count < hostCount else { return nil }
    var copy = self
    for keyword in ["host", "hostaddr", "port"] {
      guard let list = parameters[keyword]?.split(separator: ",", omittingEmptySubsequences: false),
        list.count > 1
      else { continue }
      copy.parameters[keyword] = list.dropFirst(count).joined(separator: ",")
    }
    return copy
  }

  // MARK: - Parsing

  private static func parse(_ text: String) throws(PostgresError) -> [String: String] {
    var message: UnsafeMutablePointer<CChar>?
    guard !text.utf8.contains(0), let options = unsafe PQconninfoParse(text, &message) else {
      var reason = "it holds a NUL character"
      if let words = unsafe message {
        reason = Redaction.withoutQuoted(
          unsafe String(cString: words).split(separator: "\n").first.map(String.init) ?? "")
        unsafe PQfreemem(words)
      }
      throw PostgresError(
        .invalidConfiguration,
        "the connection string is not valid: \(reason); in a URL, percent-encode special characters of the password"
      )
    }
    defer { unsafe PQconninfoFree(options) }
    var parameters: [String: String] = [:]
    var option = unsafe options
    while let keyword = unsafe option.pointee.keyword {
      if let value = unsafe option.pointee.val {
        parameters[unsafe String(cString: keyword)] = unsafe String(cString: value)
      }
      unsafe option += 1
    }
    return parameters
  }

  /// A URL holds one `@` before its query, in front of the host. A second one, or one behind the host's slash, is a
  /// password's that was not percent-encoded: libpq takes its beginning for the host, which later errors would show.
  private static func checkSeparators(of text: String) throws(PostgresError) {
    let schemes = ["postgresql://", "postgres://"]
    guard let scheme = schemes.first(where: text.hasPrefix) else { return }
    let place = text.dropFirst(scheme.count).prefix { $0 != "?" }
    let host = place.prefix { $0 != "/" }
    guard place.count(where: { $0 == "@" }) > 1 || place.contains("@") && !host.contains("@") else { return }
    throw PostgresError(
      .invalidConfiguration,
      "the connection string is not valid: it holds an @ behind the host; "
        + "in a URL, percent-encode special characters of the password")
  }

  /// A password that was not percent-encoded ends up in the host or the port, which later errors would show.
  private func validate() throws(PostgresError) {
    let ports = (port ?? "").split(separator: ",")
    let portsAreNumbers = ports.allSatisfy { UInt16($0) != nil }
    guard portsAreNumbers, !(host ?? "").contains("@") else {
      throw PostgresError(
        .invalidConfiguration,
        "the connection string is not valid: its \(portsAreNumbers ? "host holds an @" : "port is not a number"); "
          + "in a URL, percent-encode special characters of the password")
    }
  }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// User, host, port and database, such as `agents@/run/postgresql:5432/memory`.
  public var description: String {
    "\(user.map { $0 + "@" } ?? "")\(host ?? "")\(port.map { ":" + $0 } ?? "")/\(database ?? "")"
  }
  /// As `description`.
  public var debugDescription: String { description }
  /// Hides the parameters from `dump`.
  public var customMirror: Mirror { Mirror(self, children: ["target": description]) }
}
