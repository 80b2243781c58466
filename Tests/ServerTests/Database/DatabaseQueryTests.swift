// An application's statements: values in, rows out, the same on every backend.

import AgentBase
import Foundation
import TestSupport
import Testing

@Suite("Databases: statements") struct DatabaseQueryTests {
  private enum Plan: String, Codable { case free, paid }
  private struct Address: Codable, Equatable, Sendable { var city: String }
  private struct User: Codable, Equatable, Sendable {
    var id: Int
    var name: String
    var isActive: Bool
    var plan: Plan?
    var score: Double?
    var createdAt: Date
    var token: UUID
    var address: Address?
    var tags: [String]
    var photo: Data?
  }

  private static let users = """
    (id INTEGER PRIMARY KEY, name TEXT NOT NULL, is_active BOOLEAN, plan TEXT, score DOUBLE PRECISION,
     created_at TIMESTAMPTZ, token UUID, address JSONB, tags JSONB, photo BYTEA)
    """

  private func insert(_ user: User, _ table: String) -> DatabaseStatement {
    """
    INSERT INTO \(identifier: table) VALUES (\(user.id), \(user.name), \(user.isActive), \(user.plan?.rawValue),
      \(user.score), \(user.createdAt), \(user.token), \(user.address.map { JSON.object(["city": .string($0.city)]) }),
      \(JSON.array(user.tags.map(JSON.string))), \(user.photo))
    """
  }

  @Test("A Codable type comes back from its columns", arguments: DatabaseScene.backends)
  func codable(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend) { database, table in
      try await database.executeScript("CREATE TABLE \(table) \(Self.users)")
      let full = User(
        id: 1, name: "O'Brien; DROP TABLE users --", isActive: true, plan: .paid, score: 0.1,
        createdAt: Date(timeIntervalSince1970: 1_705_314_600.25), token: UUID(),
        address: Address(city: "Zürich"), tags: ["a", "b\"c"], photo: Data([0, 255, 10]))
      let empty = User(
        id: 2, name: "", isActive: false, createdAt: Date(timeIntervalSince1970: -1), token: UUID(), tags: [])
      for user in [full, empty] {
        #expect(try await database.execute(insert(user, table)).rowsAffected == 1)
      }
      let all = try await database.query("SELECT * FROM \(identifier: table) ORDER BY id", as: User.self)
      #expect(all == [full, empty])
      let active: [User] = try await database.query(
        "SELECT * FROM \(identifier: table) WHERE is_active = \(true) AND created_at > \(Date(timeIntervalSince1970: 0))"
      )
      #expect(active.map(\.id) == [1])
      let found = try await database.queryOne(
        "SELECT * FROM \(identifier: table) WHERE token = \(empty.token)", as: User.self)
      #expect(found == empty)
      #expect(
        try await database.queryOne("SELECT * FROM \(identifier: table) WHERE id = \(3)", as: User.self)
          == nil)
    }
  }

  @Test("A row of one column is that value", arguments: DatabaseScene.backends)
  func oneColumn(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend) { database, table in
      #expect(try await database.queryOne("SELECT 7", as: Int.self) == 7)
      #expect(try await database.queryOne("SELECT count(*) FROM (SELECT 1) AS one", as: Int64.self) == 1)
      #expect(try await database.queryOne("SELECT CAST(\(2.5) AS double precision)", as: Double.self) == 2.5)
      #expect(try await database.queryOne("SELECT CAST(\("x") AS text)", as: String.self) == "x")
      #expect(try await database.queryOne("SELECT CAST(NULL AS text)", as: String?.self) == .some(.none))
      #expect(try await database.query("SELECT 1 UNION SELECT 2 ORDER BY 1", as: Int.self) == [1, 2])
      try await database.executeScript(
        "CREATE TABLE \(table) (d TIMESTAMPTZ, u UUID); INSERT INTO \(table) VALUES ('2024-01-15 10:30:00+00', NULL)"
      )
      #expect(
        try await database.queryOne("SELECT d FROM \(identifier: table)", as: Date.self)
          == Date(timeIntervalSince1970: 1_705_314_600))
      #expect(
        try await database.queryOne("SELECT u FROM \(identifier: table)", as: UUID?.self) == .some(.none))
    }
  }

  @Test("Values come back as what they are, at random", arguments: DatabaseScene.backends)
  func random(_ backend: TestBackend) async throws {
    let seed = SeededGenerator.seed(for: "Values of databases")
    var random = SeededGenerator(seed: seed)
    try await DatabaseScene.with(backend) { database, table in
      try await database.executeScript(
        """
        CREATE TABLE \(table) (n INTEGER PRIMARY KEY, i BIGINT, r DOUBLE PRECISION, s TEXT, b BYTEA, d TIMESTAMPTZ,
          f BOOLEAN, u UUID, j JSONB)
        """)
      for number in 0..<60 {
        let integer: Int64? = Bool.random(using: &random) ? .random(in: .min ... .max, using: &random) : nil
        let real = Double(bitPattern: .random(in: 0...0x7FEF_FFFF_FFFF_FFFF, using: &random))
        let text = String(
          String.UnicodeScalarView(
            (0..<Int.random(in: 0...8, using: &random)).compactMap { _ in
              Unicode.Scalar(UInt32.random(in: 1...0xD7FF, using: &random))
            }))
        let bytes = Data(
          (0..<Int.random(in: 0...9, using: &random)).map { _ in .random(in: 0...255, using: &random) })
        let date = Date(
          timeIntervalSince1970: Double(Int64.random(in: -6_000_000_000...9_000_000_000, using: &random)) / 8)
        let flag = Bool.random(using: &random)
        let uuid = UUID()
        let json: JSON = ["k": .string(text), "n": integer.map { .integer($0) } ?? .null]
        try await database.execute(
          """
          INSERT INTO \(identifier: table) VALUES (\(number), \(integer), \(real), \(text), \(bytes), \(date), \(flag),
            \(uuid), \(json))
          """)
        let row = try #require(
          try await database.queryOne(
            """
            SELECT * FROM \(identifier: table) WHERE n = \(number) AND r = \(real) AND s = \(text) AND b = \(bytes)
              AND d = \(date) AND f = \(flag) AND u = \(uuid)
            """), "seed \(seed)")
        #expect(try row.decode("i", as: Int64?.self) == integer, "seed \(seed)")
        #expect(try row.decode("r", as: Double.self).bitPattern == real.bitPattern, "seed \(seed)")
        #expect(try row.decode("s", as: String.self).utf8.elementsEqual(text.utf8), "seed \(seed)")
        #expect(try row.decode("b", as: Data.self) == bytes, "seed \(seed)")
        #expect(try row.decode("d", as: Date.self) == date, "seed \(seed)")
        #expect(try row.decode("f", as: Bool.self) == flag, "seed \(seed)")
        #expect(try row.decode("u", as: UUID.self) == uuid, "seed \(seed)")
        #expect(try row.decode("j", as: JSON.self) == json, "seed \(seed)")
      }
    }
  }

  @Test("Statements are put together from parts, lists and names", arguments: DatabaseScene.backends)
  func composed(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend) { database, table in
      let odd = "\(table) \"odd\" ?$1"
      try await database.execute("CREATE TABLE \(identifier: odd) (id INTEGER, name TEXT)")
      for id in 1...5 {
        try await database.execute("INSERT INTO \(identifier: odd) VALUES (\(id), \("n\(id)"))")
      }
      let condition: DatabaseStatement = "id IN (\(list: [1, 3, 9])) OR name = \("n5")"
      let found = try await database.query(
        "SELECT id FROM \(identifier: odd) WHERE (\(condition)) AND id > \(0) ORDER BY id", as: Int.self)
      #expect(found == [1, 3, 5])
      let error = await #expect(throws: AgentBaseError.self) {
        try await database.query("SELECT 1 WHERE 1 IN (\(list: [Int]()))")
      }
      #expect(error?.code == .invalidValue)
    }
  }

  @Test("Changes are counted, and RETURNING answers", arguments: DatabaseScene.backends)
  func changes(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend) { database, table in
      try await database.executeScript("CREATE TABLE \(table) (id INTEGER PRIMARY KEY, n INTEGER)")
      let first = try await database.execute(
        "INSERT INTO \(identifier: table) VALUES (\(7), \(1)), (\(8), \(1))")
      #expect(first.rowsAffected == 2)
      #expect(first.lastInsertID == (backend.version == nil ? 8 : nil))
      let id = try await database.queryOne(
        "INSERT INTO \(identifier: table) VALUES (\(9), \(2)) RETURNING id", as: Int.self)
      #expect(id == 9)
      let update = try await database.execute("UPDATE \(identifier: table) SET n = n + 1 WHERE n = \(1)")
      #expect(update.rowsAffected == 2 && update.lastInsertID == nil)
      #expect(
        try await database.execute("DELETE FROM \(identifier: table) WHERE n = \(99)").rowsAffected == 0)
      #expect(try await database.queryOne("SELECT sum(n) FROM \(identifier: table)", as: Int.self) == 6)
    }
  }

  @Test("A script is all or nothing", arguments: DatabaseScene.backends)
  func script(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend) { database, table in
      try await database.executeScript("CREATE TABLE \(table) (id INTEGER PRIMARY KEY)")
      await #expect(throws: AgentBaseError.self) {
        try await database.executeScript("INSERT INTO \(table) VALUES (1); INSERT INTO \(table) VALUES (1)")
      }
      #expect(try await database.queryOne("SELECT count(*) FROM \(identifier: table)", as: Int.self) == 0)
    }
  }

  @Test("Errors are the same, name the statement, and hold no value", arguments: DatabaseScene.backends)
  func errors(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend) { (database, table) async throws in
      try await database.executeScript(
        "CREATE TABLE \(table) (id INTEGER PRIMARY KEY, name TEXT NOT NULL CHECK (name <> 'bad'), kind TEXT)")
      try await database.execute(
        "INSERT INTO \(identifier: table) VALUES (\(1), \("secret-value"), \("secret-value"))")
      func code(_ statement: DatabaseStatement) async throws -> AgentBaseError.Code? {
        let error = await #expect(throws: AgentBaseError.self) { try await database.execute(statement) }
        #expect(error?.description.contains("secret-value") == false, "\(String(describing: error))")
        #expect(error?.description.contains("\"app\"") == true, "\(String(describing: error))")
        return error?.code
      }
      let secret = "secret-value"
      #expect(
        try await code("INSERT INTO \(identifier: table) VALUES (\(1), \(secret), \(secret))") == .constraint)
      #expect(
        try await code("INSERT INTO \(identifier: table) VALUES (\(2), \(String?.none), \(secret))")
          == .constraint)
      #expect(
        try await code("INSERT INTO \(identifier: table) VALUES (\(2), \("bad"), \(secret))") == .constraint)
      #expect(try await code("SELEKT \(secret)") == .database)
      #expect(try await code("SELECT * FROM no_such_table WHERE a = \(secret)") == .database)
      let syntax = await #expect(throws: AgentBaseError.self) { try await database.query("SELEKT 1") }
      #expect(syntax?.description.contains("SELEKT") == true)
      let row = try #require(try await database.queryOne("SELECT * FROM \(identifier: table)"))
      for error in [
        #expect(throws: AgentBaseError.self) { try row.decode("name", as: Int.self) },
        #expect(throws: AgentBaseError.self) { try row.decode("kind", as: Plan.self) },
        #expect(throws: AgentBaseError.self) { try row.decode("name", as: UUID.self) },
        #expect(throws: AgentBaseError.self) { try row.decode("nothing", as: String.self) },
        #expect(throws: AgentBaseError.self) { try row.decode(as: User.self) },
      ] {
        #expect(error?.code == .wrongType)
        #expect(error?.description.contains("secret-value") == false, "\(String(describing: error))")
      }
      let script = await #expect(throws: AgentBaseError.self) {
        try await database.executeScript("INSERT INTO \(table) VALUES (1, 'secret-value', 'x')")
      }
      #expect(script?.code == .constraint && script?.description.contains("secret-value") == false)
      let nul = await #expect(throws: AgentBaseError.self) {
        try await database.execute("INSERT INTO \(identifier: table) VALUES (\(3), \("a\0"), NULL)")
      }
      #expect(nul?.code == .invalidValue)
    }
  }

  @Test("A hundred calls at once, and a cancelled one", arguments: DatabaseScene.backends)
  func concurrent(_ backend: TestBackend) async throws {
    try await DatabaseScene.with(backend, connections: ConnectionSettings(maximum: 3)) {
      (database, table) async throws in
      try await database.executeScript("CREATE TABLE \(table) (id INTEGER PRIMARY KEY)")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for id in 0..<100 {
          group.addTask { try await database.execute("INSERT INTO \(identifier: table) VALUES (\(id))") }
        }
        try await group.waitForAll()
      }
      #expect(try await database.queryOne("SELECT count(*) FROM \(identifier: table)", as: Int.self) == 100)
      let slow: DatabaseStatement =
        """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000000) SELECT count(*) FROM n
        """
      let task = Task { try await database.query(slow) }
      try await Task.sleep(for: .milliseconds(100))
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      #expect(try await database.queryOne("SELECT 1", as: Int.self) == 1)
    }
  }
}
