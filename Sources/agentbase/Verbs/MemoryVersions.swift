// agentbase memory history, namespaces and sweep: what they print.

internal import AgentBase
internal import Foundation

extension MemoryVerb {
  /// The earlier values of a key, the newest first.
  func tell(_ history: MemoryHistory, limit: Int) {
    guard !arguments[.json] else {
      let versions = history.versions.map { version -> JSON in
        [
          "version": .integer(version.version), "value": version.value.json,
          "metadata": .object(version.metadata), "stored_at": Self.time(version.storedAt),
          "replaced_at": Self.time(version.replacedAt), "imported": .bool(version.isImported),
        ]
      }
      return Output.standard((["versions": .array(versions)] as JSON).text)
    }
    for version in history.versions {
      let time = Self.time(version.storedAt).stringValue ?? "-"
      Output.standard("\(version.version)\t\(time)\t\(version.value.json.text)")
    }
    if history.cursor != nil { Output.standard("… more than \(limit): give a greater --limit") }
  }

  /// The namespaces, with how many memories each has.
  func tell(_ namespaces: [MemoryNamespace]) {
    guard !arguments[.json] else {
      let all = namespaces.map { space -> JSON in
        ["namespace": .string(space.name), "memories": .integer(space.count)]
      }
      return Output.standard((["namespaces": .array(all)] as JSON).text)
    }
    for space in namespaces { Output.standard("\(space.count)\t\(printable(space.name))") }
  }

  /// A time as RFC 3339; null for none.
  static func time(_ date: Date?) -> JSON {
    date.map { .string($0.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))) } ?? .null
  }
}
