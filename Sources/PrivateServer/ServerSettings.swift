// How a private server runs.

extension PrivateServer {
  /// How a private server runs.
  public struct Settings: Sendable, Hashable {
    /// Whether what was committed survives a crash of the machine; without it the server is much faster.
    ///
    /// A crash of the server alone, such as ``PrivateServer/StopMode/immediate``, loses nothing either way.
    public var isDurable: Bool
    /// Further server parameters and their values, as in `postgresql.conf` but without quotes.
    public var parameters: [String: String]
    /// The lines of `pg_hba.conf`.
    public var accessRules: String

    /// Takes each setting; alone it makes a durable server that asks for no password.
    public init(
      isDurable: Bool = true, parameters: [String: String] = [:],
      accessRules: String = "local all all trust"
    ) {
      self.isDurable = isDurable
      self.parameters = parameters
      self.accessRules = accessRules
    }

    /// The text of the configuration file.
    func configuration(socketDirectory: String) -> String {
      var values = [
        "listen_addresses": "",
        "unix_socket_directories": socketDirectory,
        // The folder is the guard; inside it anybody may connect.
        "unix_socket_permissions": "0777",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "off",
        "log_destination": "stderr",
        // Inside the data folder, so that a killed server leaves nothing in /dev/shm.
        "dynamic_shared_memory_type": "mmap",
      ]
      if !isDurable {
        for parameter in ["fsync", "full_page_writes"] { values[parameter] = "off" }
      }
      values.merge(parameters) { $1 }
      return values.sorted { $0.key < $1.key }
        .map { "\($0.key) = '\($0.value.replacing("'", with: "''"))'\n" }
        .joined()
    }
  }
}
