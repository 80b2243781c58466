// Connection strings, and the secrets in them.

import Testing

@testable import Postgres

@Suite struct PostgresConfigurationTests {
  @Test func urlsAndKeywordsMeanTheSame() throws {
    let url = try PostgresConfiguration(
      "postgresql://me:p%40ss@one:5433,two:5434/db?sslmode=require&connect_timeout=3&application_name=x")
    #expect(url.host == "one,two")
    #expect(url.port == "5433,5434")
    #expect(url.user == "me")
    #expect(url.database == "db")
    #expect(url["password"] == "p@ss")
    #expect(url["sslmode"] == "require")
    #expect(url.connectTimeout == .seconds(3))
    #expect(url.hostCount == 2)
    let words = try PostgresConfiguration(
      "host=one,two port=5433,5434 user=me password=p@ss dbname=db sslmode=require connect_timeout=3 application_name=x"
    )
    #expect(words == url)
    #expect(try PostgresConfiguration("").hostCount == 1)
  }

  @Test func hostsAreDroppedWithTheirPorts() throws {
    let three = try PostgresConfiguration("host=a,b,c port=1,2,3")
    #expect(three.droppingHosts(2)?.host == "c")
    #expect(three.droppingHosts(2)?.port == "3")
    #expect(try PostgresConfiguration("host=a,b port=5").droppingHosts(1)?.port == "5")
    #expect(three.droppingHosts(3) == nil)
    #expect(three.droppingHosts(0) == nil)
  }

  @Test(arguments: [
    "postgresql://me:open%sesame@host/db", "postgresql://me:opens@esame@host/db",
    "postgresql://me:open/sesame@host/db", "postgresql://me:p@opens/esame@host/db",
    "postgresql://me:99/opensesame@host/db", "postgres://me:a/b?opens@esame/c@host/db",
    "host=h passwort=opensesame",
    "password='opensesame", "postgresql//me:opensesame@host", "opensesame",
    "postgresql://me:open\"ses\"ame%@h",
    "host=h password=a opensesame=b", "host=h\0 password=opensesame",
  ])
  func aMistypedStringIsNeverRepeated(text: String) throws {
    let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(text) }
    #expect(error?.code == .invalidConfiguration)
    for part in ["opens", "sesame", "esame"] {
      #expect(error?.expandedDescription.contains(part) == false, "\(error?.expandedDescription ?? "")")
    }
  }

  @Test func noDescriptionHoldsThePassword() throws {
    let configuration = try PostgresConfiguration("postgresql://me:opensesame@host:5433/db")
    #expect(configuration.description == "me@host:5433/db")
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped, "\([configuration])"] {
      #expect(!text.contains("opensesame"))
    }
  }
}

@Suite struct TLSFailureTests {
  @Test func onlyWhereEveryHostFailedByTLSItIsLasting() {
    let refused =
      "connection to server at \"a\" (10.0.0.1), port 5432 failed: Connection refused\n\tIs the server running on that host?\n"
    let plain =
      "connection to server at \"b\" (10.0.0.2), port 5432 failed: server does not support SSL, but SSL was required\n"
    let missing =
      "connection to server at \"c\", port 5432 failed: root certificate file \"/x\" does not exist\nEither provide the file or change sslmode.\n"
    #expect(TLSFailure.isCause(of: plain))
    #expect(TLSFailure.isCause(of: plain + missing))
    #expect(!TLSFailure.isCause(of: refused))
    #expect(!TLSFailure.isCause(of: plain + refused))
    #expect(!TLSFailure.isCause(of: ""))
  }
}
