// SQLite's expressions in Postgres' words: what is answered, and why something is refused.

import Testing

@testable import LegacyImport

@Suite struct ExpressionTests {
  private static let types: [(String, ValueType)] = [
    ("b", .boolean), ("i", .integer), ("r", .double), ("n", .numeric), ("s", .text), ("x", .bytes),
    ("j", .json),
    ("ts", .timestamp), ("d", .date), ("u", .uuid), ("Camel", .text), ("nc", .text),
  ]

  /// A table with a column of each type, named for it.
  static let relation = TranslationScope.Relation(
    name: "t", target: "t",
    columns: types.map { name, type in
      TranslationScope.Column(
        name: name, target: name, type: type, collation: name == "nc" ? "NOCASE" : nil)
    }, rowIDColumn: 1)

  private func translate(_ sql: String, isExact: Bool = false) throws -> String {
    var translator = ExpressionTranslator(scope: TranslationScope(Self.relation))
    translator.isExact = isExact
    return try translator.translate(SQLParser.expression(sql)).sql
  }

  private func refusal(_ sql: String) -> String? {
    do {
      _ = try translate(sql)
      return nil
    } catch let error as TranslationRefusal {
      return error.reason
    } catch {
      return "\(error)"
    }
  }

  @Test(
    arguments: [
      // Names, in either case of letters, rowid, and strings in double quotes.
      ("camel", #""Camel""#), ("T.I", #""i""#), ("[i] + `r`", #""i" + "r""#), ("rowid", #""i""#),
      (#""Camel" = "no such column""#, #""Camel" = 'no such column'"#), ("main.t.i", #""i""#),
      // Precedence.
      ("1 + 2 * 3", "1 + (2 * 3)"), ("(1 + 2) * 3", "(1 + 2) * 3"), ("-i + 1", #"(-"i") + 1"#),
      ("NOT i = 1 AND b", #"(NOT ("i" = 1)) AND "b""#),
      ("i < 5 = b", #"("i" < 5) = "b""#), ("s || i || 'x'", #"("s" || "i"::text) || 'x'"#),
      ("i & 1 << 2", #"("i" & 1) << (2)::integer"#),
      ("i IS NOT NULL OR s ISNULL", #"("i" IS NOT NULL) OR ("s" IS NULL)"#),
      // Truth values.
      ("b = 1", #""b" = true"#), ("b = 2", #""b"::integer::bigint = 2"#), ("5 AND b", #"true AND "b""#),
      ("b <> 0", #""b" <> false"#), ("b", #""b""#),
      ("b = i", #""b"::integer::bigint = "i""#),
      ("i AND b", #"("i" <> 0) AND "b""#), ("b IN (0, 1)", #""b" IN (false, true)"#),
      ("b IS TRUE", #""b" IS TRUE"#),
      ("b + 1", #""b"::integer::bigint + 1"#), ("sum(b)", #"(sum("b"::integer::bigint))::bigint"#),
      // Numbers and texts.
      ("s = 5", #""s" = '5'"#), ("i = '5'", #""i" = 5"#), ("i / 2", #""i" / 2"#),
      ("i / r", #""i" / NULLIF("r", 0)"#),
      ("i / 0", #""i" / NULLIF(0, 0)"#), ("0x1F", "31"), ("1e999", "'Infinity'::double precision"),
      ("i == -1", #""i" = (-1)"#), ("x'00ff'", #"'\x00ff'::bytea"#),
      ("CAST(r AS INTEGER)", #"trunc("r")::bigint"#),
      ("CAST(i AS TEXT)", #""i"::text"#), ("i BETWEEN 1 AND 5", #"(("i" >= 1) AND ("i" <= 5))"#),
      ("i NOT IN (1, 2)", #""i" NOT IN (1, 2)"#), ("i IN ()", "false"),
      ("i IS 5", #""i" IS NOT DISTINCT FROM 5"#),
      ("i IS NOT DISTINCT FROM 5", #""i" IS NOT DISTINCT FROM 5"#),
      // Patterns and collations.
      ("s LIKE 'a%'", #""s" ILIKE 'a%' ESCAPE ''"#),
      ("s NOT LIKE 'a!%' ESCAPE '!'", #""s" NOT ILIKE 'a!%' ESCAPE '!'"#),
      ("s GLOB 'a[^0-9]?.*'", #""s" ~ '^a[^0-9].\..*$'"#), ("nc = 'Ada'", #"lower("nc") = lower('Ada')"#),
      ("s = 'x' COLLATE NOCASE", #"lower("s") = lower('x')"#), ("s COLLATE BINARY", #""s""#),
      // Functions.
      ("ifnull(s, 'x')", #"COALESCE("s", 'x')"#), ("coalesce(b, 0)", #"COALESCE("b", false)"#),
      ("substr(s, -3)", #"right("s", 3)"#), ("instr(s, 'x') > 0", #"strpos("s", 'x')::bigint > 0"#),
      ("iif(b, 'y', 'n')", #"(CASE WHEN "b" THEN 'y' ELSE 'n' END)"#),
      ("CASE i WHEN 1 THEN 'a' END", #"(CASE WHEN "i" = 1 THEN 'a' END)"#),
      ("typeof(i) = 'integer'", #"(CASE WHEN "i" IS NULL THEN 'null' ELSE 'integer' END) = 'integer'"#),
      ("length(s)", #"length("s")::bigint"#), ("printf('%s-%d', s, i)", #"format('%s-%s', "s", "i"::text)"#),
      ("j ->> '$.a.b[0]'", #"("j" #>> '{"a","b",0}')"#),
      ("json_extract(j, '$.a') = 5", #"("j" #>> '{"a"}')::numeric = 5"#),
      ("json_extract(j, '$.a') = 'x'", #"("j" #>> '{"a"}') = 'x'"#),
      ("json_valid(j)", #"("j" IS NOT NULL OR NULL)"#),
      // Times.
      ("ts > '2024-01-15 10:30:00'", #""ts" > '2024-01-15 10:30:00+00'::timestamptz"#),
      ("ts > '2024-01-15'", #""ts" > '2024-01-15 00:00:00+00'::timestamptz"#),
      ("ts < datetime('now')", #""ts" < CURRENT_TIMESTAMP"#),
      ("date(ts) = '2024-01-15'", #"("ts" AT TIME ZONE 'UTC')::date = '2024-01-15'::date"#),
      ("strftime('%Y-%m', ts)", #"to_char("ts" AT TIME ZONE 'UTC', 'YYYY-MM')"#),
      ("datetime(i, 'unixepoch')", #"date_trunc('second', to_timestamp("i"))"#),
      ("strftime('%s', 'now')", "floor(extract(epoch FROM CURRENT_TIMESTAMP))::bigint"),
      ("u = '6fa459ea-ee8a-3ca4-894e-db77e160355e'", #""u" = '6fa459ea-ee8a-3ca4-894e-db77e160355e'::uuid"#),
    ])
  func translates(sql: String, postgres: String) throws {
    #expect(try translate(sql) == postgres)
  }

  @Test(
    arguments: [
      ("s REGEXP 'x'", "REGEXP"), ("nosuch + 1", "no column nosuch"), ("soundex(s)", "soundex()"),
      ("datetime('now', 'localtime')", "localtime"), ("s = 'x' COLLATE MINE", "application's own"),
      ("ts > 'soon'", "no time"), ("i = 'x'", "none"), ("j + 1", "JSON"), ("b = 'maybe'", "truth"),
      ("x = i", "blob"),
      ("printf('%05d', i)", "printf"), ("RAISE(ABORT, 'no')", "RAISE"), ("i +", "too early"),
      ("(1, 2", "too early"),
      ("?1", "parameter"), ("'open", "no end"), ("i IN (SELECT x FROM elsewhere)", "not copied"),
      (String(repeating: "(", count: 5000) + "1", "deep"),
    ])
  func refuses(sql: String, reason: String) {
    let refusal = refusal(sql)
    #expect(refusal?.contains(reason) == true, "\(refusal ?? "translated")")
  }

  @Test func exactLettersNeedTheCollationOfC() throws {
    #expect(try translate("lower(s)", isExact: true) == #"lower("s" COLLATE "C")"#)
    var translator = ExpressionTranslator(scope: TranslationScope(Self.relation))
    _ = try translator.translate(SQLParser.expression("round(r, 2) || ts"))
    #expect(!translator.departures.isEmpty)
  }

  @Test func tokensKeepTheirPlaces() throws {
    let sql = #"a/* b */ "c""d" -- e"# + "\n" + #"'f''g' x'0A' 1.5e-3 <> ->> [h i]"#
    let tokens = try SQLToken.tokens(of: sql)
    #expect(tokens.map(\.text) == ["a", #"c"d"#, "f'g", "0A", "1.5e-3", "<>", "->>", "h i"])
    #expect(tokens.map(\.kind) == [.word, .doubleQuoted, .string, .blob, .number, .symbol, .symbol, .quoted])
    let bytes = Array(sql.utf8)
    #expect(String(decoding: bytes[tokens[1].range], as: UTF8.self) == #""c""d""#)
  }

  @Test func namesAreCutAndStayApart() {
    var names = TargetNames(taken: ["taken"])
    let long = String(repeating: "ä", count: 40)
    #expect(names.give("taken") == "taken_2")
    #expect(names.give(long) == String(repeating: "ä", count: 31))
    #expect(names.give(long + "x") == String(repeating: "ä", count: 30) + "_2")
    #expect(names.give(["t", long], suffix: "fkey").utf8.count <= 63)
    #expect(names.give("") == "_")
  }
}
