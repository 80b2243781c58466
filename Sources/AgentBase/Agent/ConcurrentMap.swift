// Many values of one kind that are made by all processors.

import Foundation

extension Array where Element: Sendable {
  /// What becomes of each element, in the order of the elements; of many of them, several tasks make their parts at once.
  ///
  /// - Parameter transform: may be called for a later element before an earlier one.
  /// - Throws: the error of the first element that has one.
  func concurrentMap<Value: Sendable, Failure: Error>(
    _ transform: @escaping @Sendable (Element) throws(Failure) -> Value
  ) async throws(Failure) -> [Value] {
    let parts = Swift.min(ProcessInfo.processInfo.activeProcessorCount, count / Self.elementsWorthATask)
    guard parts > 1 else { return try map(transform) }
    let starts = (0...parts).map { $0 * count / parts }
    let part: @Sendable (Int) -> Result<[Value], Failure> = { part in
      Result { () throws(Failure) in try self[starts[part]..<starts[part + 1]].map(transform) }
    }
    let results = await withTaskGroup(of: (Int, Result<[Value], Failure>).self) { group in
      for other in 1..<parts { group.addTask { (other, part(other)) } }
      var results = [0: part(0)]
      for await (other, result) in group { results[other] = result }
      return results
    }
    var values: [Value] = []
    values.reserveCapacity(count)
    for part in 0..<parts { values += try results[part]?.get() ?? [] }
    return values
  }

  /// How many make up for the start of a task, where each takes some microseconds.
  private static var elementsWorthATask: Int { 32 }
}
