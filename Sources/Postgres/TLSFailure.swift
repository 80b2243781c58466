// Tells the failures of TLS that another attempt does not mend from a server that is not there yet.

/// libpq gives no code for what fails on our side before there is a session, only its words.
enum TLSFailure {
  private static let words = [
    "does not support SSL", "certificate verify failed", "does not match host name", "certificate file",
    "private key", "SSL certificate", "root certificate",
  ]

  /// Whether each host that was tried failed by TLS: no TLS on the server, a certificate that is not trusted or is
  /// another host's, or files of ours that are missing or cannot be read.
  static func isCause(of text: String) -> Bool {
    // Further lines of a host's are hints.
    let hosts = text.split(separator: "\n").filter { $0.hasPrefix("connection to server ") }
    return !hosts.isEmpty && hosts.allSatisfy { line in words.contains { line.contains($0) } }
  }
}
