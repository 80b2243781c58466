// Databases that the agents of a process share: opened by the first, closed by the last.

import Synchronization

/// What is open in this process, by a key.
final class SharedResources<Resource: Sendable>: Sendable {
  private struct Entry {
    let opening: Task<Resource, any Error>
    var users: Int
    let number: Int
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var opened = 0
  }

  private let state = Mutex(State())

  /// Opens what the key stands for, or shares it where it is open.
  func lease(
    _ key: String, open: @escaping @Sendable () async throws -> Resource,
    close: @escaping @Sendable (Resource) async -> Void
  ) async throws -> SharedLease<Resource> {
    let (opening, number) = state.withLock { state in
      if var entry = state.entries[key] {
        entry.users += 1
        state.entries[key] = entry
        return (entry.opening, entry.number)
      }
      state.opened += 1
      // A task of its own: the first caller's cancellation must not fail the others.
      let entry = Entry(opening: Task { try await open() }, users: 1, number: state.opened)
      state.entries[key] = entry
      return (entry.opening, entry.number)
    }
    do {
      return SharedLease(resource: try await opening.value) { [weak self] in
        if let resource = await self?.release(key, number) { await close(resource) }
      }
    } catch {
      _ = await release(key, number)
      throw error
    }
  }

  /// How many keys are open.
  var count: Int { state.withLock { $0.entries.count } }

  /// Takes one user off; the resource, where it was the last.
  private func release(_ key: String, _ number: Int) async -> Resource? {
    let last = state.withLock { state -> Task<Resource, any Error>? in
      guard var entry = state.entries[key], entry.number == number else { return nil }
      entry.users -= 1
      state.entries[key] = entry.users > 0 ? entry : nil
      return entry.users > 0 ? nil : entry.opening
    }
    return try? await last?.value
  }
}

/// One user's share of a resource.
final class SharedLease<Resource: Sendable>: Sendable {
  let resource: Resource
  private let onRelease: Mutex<(@Sendable () async -> Void)?>

  init(resource: Resource, onRelease: @escaping @Sendable () async -> Void) {
    self.resource = resource
    self.onRelease = Mutex(onRelease)
  }

  /// Gives the share back, once; ends when the resource is closed, where this was its last share.
  func release() async {
    let release = onRelease.withLock { release in
      defer { release = nil }
      return release
    }
    await release?()
  }

  // An agent that nobody closed: its connections must not stay open for ever.
  deinit {
    if let release = onRelease.withLock({ $0 }) { Task { await release() } }
  }
}
