// One SQLite value as a field of a binary COPY, in the type of the target's column: the same value, or a reason why not.

import AgentBase
import Postgres
import SQLite

/// Why a value cannot stand in a column.
struct ValueRejection: Error {
  /// The reason, without the column's name.
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

/// Encodes values for one column. Nothing is changed in silence: what the type cannot hold as it is, is rejected.
///
/// A class, as a struct of these parts would be copied for each value.
final class ValueEncoder: Sendable {
  let type: TargetType
  /// The type as SQL spells it, for reasons.
  let typeName: String
  /// How times are read, in the zone of those without one.
  let time: LegacyTime
  /// The same without a zone, for columns that have none.
  let plainTime = LegacyTime()

  /// Encodes values of a type.
  init(type: TargetType, typeName: String, time: LegacyTime) {
    self.type = type
    self.typeName = typeName
    self.time = time
  }

  // MARK: - INTEGER

  /// Appends an INTEGER.
  func append(
    integer number: Int64, to buffer: inout PostgresCopyEncoder
  ) throws(ValueRejection) {
    switch type {
    case .boolean:
      guard number == 0 || number == 1 else { throw unfit(String(number), "0 or 1") }
      buffer.append(bool: number == 1)
    case .int8: buffer.append(int8: number)
    case .int4:
      guard let small = Int32(exactly: number) else { throw outOfRange(String(number)) }
      buffer.append(int4: small)
    case .int2:
      guard let small = Int16(exactly: number) else { throw outOfRange(String(number)) }
      buffer.append(int2: small)
    case .float8:
      guard let real = Double(exactly: number) else { throw inexact(String(number)) }
      buffer.append(float8: real)
    case .float4:
      guard let real = Float(exactly: number) else { throw inexact(String(number)) }
      buffer.append(float4: real)
    case .timestamptz, .timestamp, .date:
      // Nanoseconds are told by their size (`LegacyTime`).
      let isFiner = number.magnitude >= 100_000_000_000_000_000 && number % 1000 != 0
      guard !isFiner, let microseconds = plainTime.microseconds(of: .integer(number)) else {
        throw unfit(String(number), isFiner ? "a time of whole microseconds" : "a time")
      }
      try append(microseconds: microseconds, spelled: String(number), to: &buffer)
    case .jsonb: buffer.append(jsonb: String(number))
    case .numeric, .unlimitedNumeric, .text, .character, .name, .json, .other, .enumeration:
      try appendSpelled(String(number), to: &buffer)
    case .time, .uuid, .bytea, .array, .vector: throw storageClass("INTEGER \(number)")
    }
  }

  // MARK: - REAL

  /// Appends a REAL.
  func append(real number: Double, to buffer: inout PostgresCopyEncoder) throws(ValueRejection) {
    switch type {
    case .float8: buffer.append(float8: number)
    case .float4:
      let single = Float(number)
      guard Double(single).bitPattern == number.bitPattern || number.isNaN else {
        throw inexact(number.description)
      }
      buffer.append(float4: single)
    case .boolean, .int2, .int4, .int8:
      guard let whole = Int64(exactly: number) else { throw unfit(number.description, "a whole number") }
      try append(integer: whole, to: &buffer)
    case .timestamptz, .timestamp, .date:
      guard let microseconds = plainTime.microseconds(of: .real(number)) else {
        throw unfit(number.description, "a time")
      }
      try append(microseconds: microseconds, spelled: number.description, to: &buffer)
    case .json, .jsonb:
      guard number.isFinite else { throw unfit(number.description, "JSON, which has no infinity") }
      if type == .json {
        buffer.append(text: number.description)
      } else {
        buffer.append(jsonb: JSON.real(number)?.text ?? "null")
      }
    case .numeric, .unlimitedNumeric, .text, .character, .name, .other, .enumeration:
      try appendSpelled(number.description, to: &buffer)
    case .time, .uuid, .bytea, .array, .vector: throw storageClass("REAL \(number)")
    }
  }

  // MARK: - BLOB

  /// Appends a BLOB.
  func append(blob bytes: UnsafeRawBufferPointer, to buffer: inout PostgresCopyEncoder) throws(ValueRejection)
  {
    switch type {
    case .bytea: unsafe buffer.append(bytea: bytes)
    case .uuid:
      guard bytes.count == 16 else { throw storageClass("a BLOB of \(bytes.count) bytes") }
      unsafe buffer.append(bytea: bytes)
    case .vector, .array(.float4, _):
      guard let numbers = unsafe LegacyConversion.embedding(.blob(Array(bytes))) else {
        throw ValueRejection("a BLOB of \(bytes.count) bytes is no list of finite 4-byte numbers")
      }
      try append(vector: numbers, to: &buffer)
    default: throw storageClass("a BLOB of \(bytes.count) bytes")
    }
  }

  // MARK: - Times

  /// Appends a moment, in microseconds since 1970 UTC (or on the clock, where the column has no zone).
  func append(
    microseconds: Int64, spelled: @autoclosure () -> String, to buffer: inout PostgresCopyEncoder
  ) throws(ValueRejection) {
    switch type {
    case .timestamptz(let digits), .timestamp(let digits):
      guard digits >= 6 || microseconds % Self.microseconds[digits] == 0 else {
        throw ValueRejection(
          "\(shown(spelled())) has a finer fraction of a second than \(typeName) keeps")
      }
      guard LegacyTime.range.contains(microseconds) else { throw outOfRange(spelled()) }
      buffer.append(timestamptz: microseconds)
    default:
      let day: Int64 = 86_400_000_000
      guard microseconds % day == 0 else {
        throw ValueRejection("\(shown(spelled())) has a time of day, which \(typeName) does not keep")
      }
      guard let days = Int32(exactly: microseconds / day) else { throw outOfRange(spelled()) }
      buffer.append(date: days)
    }
  }

  /// How many microseconds the last of so many digits counts.
  static let microseconds: [Int64] = [1_000_000, 100_000, 10_000, 1000, 100, 10, 1]

  // MARK: - Vectors

  func append(vector numbers: [Float], to buffer: inout PostgresCopyEncoder) throws(ValueRejection) {
    guard case .vector(let dimensions) = type else { return buffer.append(float4Array: numbers) }
    if let dimensions, dimensions != numbers.count {
      throw ValueRejection("\(numbers.count) dimensions do not fit \(typeName)")
    }
    buffer.append(vector: numbers)
  }

  // MARK: - Reasons

  func unfit(_ value: String, _ wanted: String) -> ValueRejection {
    ValueRejection("\(shown(value)) is not \(wanted)")
  }

  func outOfRange(_ value: String) -> ValueRejection {
    ValueRejection("\(shown(value)) is out of the range of \(typeName)")
  }

  func inexact(_ value: String) -> ValueRejection {
    let advice = if case .float4 = type { "; double precision may" } else { "" }
    return ValueRejection("\(typeName) cannot hold \(shown(value)) exactly\(advice)")
  }

  func storageClass(_ value: String) -> ValueRejection {
    ValueRejection("\(value) is no \(typeName)")
  }

  /// The beginning of a value as a reason repeats it: the row's raw values stand beside the reason. A reason is a text of
  /// Postgres, which holds no NUL; this and other controls are spelled out.
  func shown(_ value: String) -> String {
    var shown = "\""
    let start = value.unicodeScalars.prefix(60)
    for scalar in start {
      if scalar.properties.generalCategory == .control {
        shown += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        shown.unicodeScalars.append(scalar)
      }
    }
    return shown + (start.endIndex < value.unicodeScalars.endIndex ? "…\"" : "\"")
  }
}
