// The model that random operations on memories are compared with.

import AgentBase

/// What an agent remembers, in the simplest words.
struct MemoryModel {
  struct Name: Hashable, Comparable {
    var space: String
    var key: String
    static func < (left: Name, right: Name) -> Bool { (left.space, left.key) < (right.space, right.key) }
  }

  struct Value {
    var json: JSON
    var metadata: JSONObject
    var version: Int64
  }

  struct Entry {
    var value: Value
    var isExpired: Bool
  }

  var entries: [Name: Entry] = [:]
  /// Earlier values, the newest last.
  var earlier: [Name: [Value]] = [:]

  var alive: [Name: Value] { entries.filter { !$0.value.isExpired }.mapValues(\.value) }

  mutating func store(_ value: Value, under name: Name, isExpired: Bool) {
    if let old = entries[name] {
      if old.isExpired { earlier[name] = nil } else { earlier[name, default: []].append(old.value) }
    }
    entries[name] = Entry(value: value, isExpired: isExpired)
  }

  /// Whether there was a memory.
  mutating func delete(_ name: Name, keepingHistory: Bool) -> Bool {
    let old = entries.removeValue(forKey: name)
    if keepingHistory, old?.isExpired != true {
      if let old { earlier[name, default: []].append(old.value) }
    } else {
      earlier[name] = nil
    }
    return old.map { !$0.isExpired } ?? false
  }

  func history(_ name: Name) -> [Value] {
    entries[name]?.isExpired == true ? [] : (earlier[name] ?? []).reversed()
  }
}
