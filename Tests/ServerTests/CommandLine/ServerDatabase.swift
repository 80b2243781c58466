// A fresh database for a test of the command, with psql beside it.

import Foundation
import PrivateServer
import TestSupport
import Testing

/// A new database on a shared server.
struct ServerDatabase {
  /// A password with what is odd in a URL.
  static let oddPassword = "pa@ss:w/ö rd%&?#'\"\\"

  let url: String
  private let name: String
  private let server: PrivateServer
  private let shared: TestServer

  init(_ version: TestServer.Version = .v15) async throws {
    shared = try await TestServer.shared(version)
    url = try await shared.freshDatabase()
    server = shared.server
    name = String(try #require(url.firstMatch(of: /\/(test_\w+)\?/)).1)
  }

  /// What psql answers.
  @discardableResult
  func psql(_ sql: String) async throws -> String { try await server.psql(sql, database: name) }

  /// The URL for a new user who must give `oddPassword`, or gives another one.
  func urlOfNewUser(password: String = oddPassword, rights: String = "") async throws -> String {
    let role = "user_\(UInt32.random(in: 0...UInt32.max))"
    try await shared.createRole(role, password: Self.oddPassword)
    if !rights.isEmpty { try await psql(rights.replacing("ROLE", with: role)) }
    let encoded = password.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    return server.url(database: name, user: role) + "&password=\(encoded)"
  }
}
