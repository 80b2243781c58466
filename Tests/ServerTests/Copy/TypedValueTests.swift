// Every breaker of importers against every type of column: each value comes out as it is, or is a reject with its reason.

import Foundation
import LegacyImport
import SQLite
import TestSupport
import Testing

/// A column's type with values for it: the SQLite literal, and what Postgres then prints; nil where it is a reject.
struct TypedValues: Sendable, CustomStringConvertible {
  let type: String
  let values: [(literal: String, printed: String?)]
  var description: String { type }

  static let all: [TypedValues] = [
    TypedValues(
      type: "boolean",
      values: [
        ("0", "false"), ("1", "true"), ("1.0", "true"), ("'true'", "true"), ("'FALSE'", "false"),
        ("'yes'", "true"), ("'no'", "false"),
        ("'t'", "true"), ("'0'", "false"), ("2", nil), ("-1", nil), ("''", nil), ("'maybe'", nil),
        ("x'01'", nil),
        ("0.5", nil), ("NULL", "NULL"),
      ]),
    TypedValues(
      type: "smallint",
      values: [
        ("32767", "32767"), ("-32768", "-32768"), ("32768", nil), ("70000", nil), ("2.0", "2"), ("2.5", nil),
        ("' 12 '", "12"), ("'abc'", nil), ("''", nil), ("x'31'", nil), ("'true'", nil),
      ]),
    TypedValues(
      type: "integer",
      values: [
        ("2147483647", "2147483647"), ("2147483648", nil), ("-2147483648", "-2147483648"), ("'+7'", "7"),
        ("'1e3'", "1000"), ("'1.50'", nil),
      ]),
    TypedValues(
      type: "bigint",
      values: [
        ("9223372036854775807", "9223372036854775807"), ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808.0", nil), ("'9223372036854775808'", nil),
        ("'-9223372036854775808'", "-9223372036854775808"), ("9007199254740993", "9007199254740993"),
        ("'9007199254740993'", "9007199254740993"), ("1e300", nil), ("9e999", nil), ("'NaN'", nil),
      ]),
    TypedValues(
      type: "numeric(10,2)",
      values: [
        ("12.5", "12.50"), ("'12.50'", "12.50"), ("99999999.99", "99999999.99"), ("100000000", nil),
        ("0.005", nil), ("'1.234'", nil), ("'1.230'", "1.23"), ("-0.01", "-0.01"), ("0", "0.00"),
        ("'abc'", nil),
        ("9e999", nil), ("''", nil), ("'NaN'", "NaN"), ("x'00'", nil),
      ]),
    TypedValues(
      type: "numeric",
      values: [
        ("0.1", "0.1"), ("1e300", "1" + String(repeating: "0", count: 300)), ("-1.5e-7", "-0.00000015"),
        ("123456789012345678", "123456789012345678"),
        ("'00012345678901234567890.000100'", "12345678901234567890.000100"),
        ("9e999", "Infinity"), ("-9e999", "-Infinity"), ("10000", "10000"), ("'1e4'", "10000"),
        ("'9999.0001'", "9999.0001"), ("'5e-3'", "0.005"), ("'.5'", "0.5"), ("'5.'", "5"),
        ("'1e999999'", nil),
        ("'--1'", nil), ("'0x10'", nil), ("' 7 '", "7"),
      ]),
    TypedValues(
      type: "real",
      values: [
        ("0.5", "0.5"), ("0.1", nil), ("16777216", "1.6777216e+07"), ("16777217", nil), ("9e999", "Infinity"),
        ("'0.25'", "0.25"), ("1e300", nil),
      ]),
    TypedValues(
      type: "double precision",
      values: [
        ("0.1", "0.1"), ("1e300", "1e+300"), ("5e-324", "5e-324"), ("9e999", "Infinity"),
        ("-9e999", "-Infinity"),
        ("-0.0", "-0"), ("'NaN'", "NaN"), ("'-inf'", "-Infinity"), ("9007199254740993", nil), ("3", "3"),
        ("0.30000000000000004", "0.30000000000000004"), ("'0.1'", "0.1"), ("'123456789012345678901'", nil),
        ("'abc'", nil), ("''", nil), ("'1e400'", nil),
      ]),
    TypedValues(
      type: "text",
      values: [
        ("'a\\N\\.'", "a\\N\\."), ("''", ""), ("char(65279) || 'bom'", "\u{FEFF}bom"), ("5", "5"),
        ("0.1", "0.1"),
        ("'a' || char(0) || 'b'", nil), ("CAST(x'ff41' AS TEXT)", nil), ("CAST(x'eda080' AS TEXT)", nil),
        ("x'41'", nil), ("'tab' || char(9)", "tab\t"), ("char(128512)", "😀"),
      ]),
    TypedValues(
      type: "varchar(5)",
      values: [
        ("'abcde'", "abcde"), ("'äöüßé'", "äöüßé"), ("'abcdef'", nil), ("'abcde '", nil), ("12345", "12345"),
      ]
    ),
    TypedValues(type: "char(3)", values: [("'ab'", "ab"), ("'abc'", "abc"), ("'abcd'", nil)]),
    TypedValues(
      type: "name",
      values: [
        ("'n'", "n"), ("printf('%.63c', 'x')", String(repeating: "x", count: 63)),
        ("printf('%.64c', 'x')", nil),
      ]
    ),
    TypedValues(
      type: "timestamptz",
      values: [
        ("'2024-01-15 10:30:00'", "2024-01-15 10:30:00+00"),
        ("'2024-01-15T10:30:00Z'", "2024-01-15 10:30:00+00"),
        ("'2024-01-15 10:30:00.123456+05:30'", "2024-01-15 05:00:00.123456+00"),
        ("0", "1970-01-01 00:00:00+00"),
        ("1705314600", "2024-01-15 10:30:00+00"), ("1705314600123", "2024-01-15 10:30:00.123+00"),
        ("1705314600.5", "2024-01-15 10:30:00.5+00"), ("2460324.9375", "2024-01-15 10:30:00+00"),
        ("'1705314600'", "2024-01-15 10:30:00+00"), ("'2024-01-15 10:30:00.123456789'", nil),
        ("'2024-01-15 10:30:00.123456000Z'", "2024-01-15 10:30:00.123456+00"), ("1705314600123456789", nil),
        ("1705314600123456000", "2024-01-15 10:30:00.123456+00"), ("'2024-02-30'", nil),
        ("'2024-13-01'", nil),
        ("'0000-00-00 00:00:00'", nil), ("'now'", nil), ("''", nil),
        ("'2024-01-15 24:00:00'", "2024-01-16 00:00:00+00"),
        ("'2024-01-15 25:00'", nil), ("x'00'", nil), ("'2024-01-15'", "2024-01-15 00:00:00+00"),
      ]),
    TypedValues(
      type: "timestamp",
      values: [
        ("'2024-01-15 10:30:00'", "2024-01-15 10:30:00"),
        ("'2024-01-15T10:30:00+02:00'", "2024-01-15 08:30:00"),
        ("'yesterday'", nil),
      ]),
    TypedValues(
      type: "timestamp(0)",
      values: [("'2024-01-15 10:30:00'", "2024-01-15 10:30:00"), ("'2024-01-15 10:30:00.5'", nil)]
    ),
    TypedValues(
      type: "date",
      values: [
        ("'2024-01-15'", "2024-01-15"), ("'2024-01-15 00:00:00'", "2024-01-15"),
        ("'2024-01-15 10:30:00'", nil),
        ("'2024-02-29'", "2024-02-29"), ("'2023-02-29'", nil), ("'1066-10-14'", "1066-10-14"),
        ("0", "1970-01-01"),
        ("1705314600", nil), ("''", nil),
      ]),
    TypedValues(
      type: "time",
      values: [
        ("'10:30'", "10:30:00"), ("'10:30:15.25'", "10:30:15.25"), ("'24:00:00'", "24:00:00"),
        ("'25:00'", nil),
        ("'10:30+02'", nil), ("5", nil),
      ]),
    TypedValues(
      type: "json",
      values: [
        ("'{\"b\":1, \"a\":1}'", "{\"b\":1, \"a\":1}"), ("'{'", nil), ("''", nil), ("5", "5"), ("0.5", "0.5"),
      ]),
    TypedValues(
      type: "jsonb",
      values: [
        ("'{\"b\":1, \"a\":1}'", "{\"a\": 1, \"b\": 1}"), ("'{'", nil), ("''", nil), ("'\"a\\u0000b\"'", nil),
        ("'\"\\ud800\"'", nil), ("'{\"a\":1,\"a\":2}'", nil),
        ("'{\"a\":{\"a:\":\":\"}}'", "{\"a\": {\"a:\": \":\"}}"),
        ("'9007199254740993'", "9007199254740993"), ("'1e400'", "1" + String(repeating: "0", count: 400)),
        ("'null'", "null"), ("'1.10'", "1.10"), ("7", "7"), ("9e999", nil), ("x'7b7d'", nil),
        ("NULL", "NULL"),
        ("'[1,2' || char(10) || ']'", "[1, 2]"),
      ]),
    TypedValues(
      type: "uuid",
      values: [
        ("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("'a0eebc999c0b4ef8bb6d6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("x'a0eebc999c0b4ef8bb6d6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1'", nil), ("'g0eebc999c0b4ef8bb6d6bb9bd380a11'", nil),
        ("''", nil),
        ("x'00'", nil), ("7", nil),
      ]),
    TypedValues(
      type: "bytea",
      values: [("x'00ff'", "\\x00ff"), ("x''", "\\x"), ("'äb'", "\\xc3a462"), ("NULL", "NULL"), ("5", nil)]),
    TypedValues(
      type: "integer[]",
      values: [
        ("'[1, 2, null]'", "{1,2,NULL}"), ("'{3,4}'", "{3,4}"), ("'[]'", "{}"), ("'{}'", "{}"),
        ("'[1.5]'", nil),
        ("'[[1]]'", nil), ("'x'", nil), ("'[1'", nil), ("5", nil),
      ]),
    TypedValues(
      type: "text[]",
      values: [
        ("'[\"a,b\", \"c\\\"d\", null, \"\"]'", "{\"a,b\",\"c\\\"d\",NULL,\"\"}"),
        ("'{a,\"b c\",NULL}'", "{a,\"b c\",NULL}"), ("'[1, true]'", "{1,true}"), ("'[{}]'", nil),
      ]),
    TypedValues(
      type: "inet",
      values: [
        ("'10.0.0.1'", "10.0.0.1/32"), ("'::1'", "::1/128"), ("'10.0.0.999'", nil), ("''", nil),
        ("NULL", "NULL"),
      ]),
    TypedValues(
      type: "interval",
      values: [("'1 day 02:00'", "1 day 02:00:00"), ("'P1D'", "1 day"), ("'soon'", nil)]),
    TypedValues(type: "int4range", values: [("'[1,5)'", "[1,5)"), ("'[5,1)'", nil)]),
    TypedValues(type: "timetz", values: [("'10:30+02'", "10:30:00+02"), ("'x'", nil)]),
    TypedValues(
      type: "mood", values: [("'happy'", "happy"), ("'HAPPY'", "happy"), ("'angry'", nil), ("5", nil)]),
    TypedValues(type: "mood[]", values: [("'[\"happy\", \"sad\"]'", "{happy,sad}"), ("'[\"x\"]'", nil)]),
    TypedValues(
      type: "positive", values: [("5", "5"), ("-5", nil), ("'7'", "7"), ("NULL", nil), ("2.5", nil)]),
    TypedValues(type: "short", values: [("'abc'", "abc"), ("'abcd'", nil), ("'x y'", "x y")]),
  ]
}

@Suite struct TypedValueTests {
  @Test(arguments: TestServer.versions)
  func eachValueComesOutAsItIsOrIsARejectWithItsReason(version: TestServer.Version) async throws {
    let scene = try await CopyScene(version)
    var all = TypedValues.all
    if version == .v18 {
      try await scene.execute("CREATE EXTENSION vector")
      all.append(
        TypedValues(
          type: "vector(3)",
          values: [
            ("'[1, 2.5, -3]'", "[1,2.5,-3]"), ("x'0000803f0000004000004040'", "[1,2,3]"), ("'[1]'", nil),
            ("'[1, 2, \"x\"]'", nil), ("x'0000807f0000004000004040'", nil), ("''", nil), ("5", nil),
          ]))
    }
    // A role with other settings, as servers have that are not in UTC.
    try await scene.execute(
      """
      CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN positive AS bigint NOT NULL CHECK (VALUE > 0);
      CREATE DOMAIN short AS varchar(3);
      """)
    for (number, typed) in all.enumerated() {
      try await scene.execute("CREATE TABLE t\(number) (id int PRIMARY KEY, v \(typed.type))")
      let rows = typed.values.enumerated().map { "(\($0.offset), \($0.element.literal))" }
      try scene.write(
        "CREATE TABLE t\(number) (id INTEGER PRIMARY KEY, v); INSERT INTO t\(number) VALUES \(rows.joined(separator: ", "))"
      )
    }
    let zone = scene.url.contains("?") ? "&options=-ctimezone%3DAmerica%2FNew_York" : ""
    let dry = try await scene.copy {
      $0.isDryRun = true
      $0.postgresURL += zone
    }
    #expect(try await scene.count("SELECT count(*) FROM pg_class WHERE relname LIKE 'agent%'") == 0)
    let report = try await scene.copy { $0.postgresURL += zone }
    try await scene.expectWhole(report)
    #expect(dry.reasons == report.reasons)
    for (number, typed) in all.enumerated() {
      let printed = Dictionary(
        uniqueKeysWithValues: try await scene.texts("SELECT id, coalesce(v::text, 'NULL') FROM t\(number)")
          .map {
            ($0[0] ?? "", $0[1] ?? "")
          })
      let reasons = try report.table("t\(number)").rejects
      for (id, value) in typed.values.enumerated() {
        #expect(printed[String(id)] == value.printed, "\(typed.type): \(value.literal)")
        if value.printed == nil {
          let reason = reasons.first { "\($0.key)" == String(id) }?.reason
          #expect(reason?.isEmpty == false, "\(typed.type): \(value.literal)")
        }
      }
    }
    // A second run finds all of it there, and the rejects too.
    let second = try await scene.copy()
    try await scene.expectWhole(second)
    #expect(second.loaded == 0 && second.rejected == report.rejected)
  }

  @Test func aRejectKeepsWhatTheFileHas() async throws {
    let scene = try await CopyScene()
    try scene.write(
      """
      CREATE TABLE t (a TEXT, b TEXT, n INTEGER, r REAL, x BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID;
      INSERT INTO t VALUES ('k', CAST(x'ff' AS TEXT), 70000, 0.1, x'00ff'), ('k', '2', 1, 9e999, NULL);
      """)
    try await scene.execute(
      "CREATE TABLE t (a text, b text, n smallint, r float8 CHECK (r < 10), x bytea, PRIMARY KEY (a, b))")
    let report = try await scene.copy()
    #expect(report.exitCode == 3)
    let rows = try await scene.texts(
      "SELECT source_key, raw_values, reason FROM agent_import_rejects ORDER BY source_row")
    // The order of the key: the text that is not UTF-8 comes after '2'.
    #expect(rows.map { $0[0] } == ["[\"k\", \"2\"]", "[\"k\", \"\u{FFFD}\"]"])
    #expect(
      rows[0][1]
        == "{\"a\": {\"text\": \"k\"}, \"b\": {\"text\": \"2\"}, \"n\": {\"integer\": 1}, \"r\": {\"real\": \"inf\"}, \"x\": null}"
    )
    #expect(rows[0][2]?.contains("violates check constraint") == true)
    #expect(rows[1][1]?.contains("\"n\": {\"integer\": 70000}") == true)
    #expect(rows[1][1]?.contains("{\"text_base64\": \"/w==\"}") == true)
    #expect(rows[1][1]?.contains("{\"blob_base64\": \"AP8=\"}") == true)
  }
}
