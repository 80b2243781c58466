// How fast a run went: how many rows were done by when, kept in bounded room however long the run is.

public import AgentBase

/// The rows that a run had done at moments of it, an activity at a time.
///
/// A value: events and times in, samples out. The longer the run, the further apart the samples are.
public struct RunRates: Sendable {
  /// What was done by a moment.
  public struct Sample: Sendable, Hashable {
    /// Seconds since the run began.
    public let seconds: Double
    /// Rows done since the run began, by the activity.
    public let rows: Int
  }

  /// The samples of one activity, in the order of time.
  public struct Series: Sendable {
    /// What was done with the rows.
    public let activity: ImportEvent.Activity
    /// The samples: the first at its beginning, the last at its end.
    public fileprivate(set) var samples: [Sample]
    /// The least seconds between two samples.
    fileprivate var spacing: Double
    /// The tables that are under way.
    fileprivate var open = 0

    /// All rows of the activity.
    public var rows: Int { samples.last?.rows ?? 0 }
  }

  /// One entry an activity, in the order in which they began.
  public private(set) var series: [Series] = []

  /// The most samples that an activity keeps.
  public static let mostSamples = 240
  /// The least seconds between two samples of a short run.
  private static let shortestSpacing = 0.02

  /// No samples.
  public init() {}

  // MARK: - Sampling

  /// Takes an event.
  ///
  /// - Parameter seconds: the time since the run began.
  public mutating func take(_ event: ImportEvent, at seconds: Double) {
    switch event {
    case .began(let activity, _, _, _, _):
      let place = series.firstIndex { $0.activity == activity } ?? series.endIndex
      if place == series.endIndex {
        series.append(Series(activity: activity, samples: [], spacing: Self.shortestSpacing))
      }
      // What was done before this moment was done before it: the pause is no time of the activity.
      if series[place].open == 0 { series[place].add(Sample(seconds: seconds, rows: series[place].rows)) }
      series[place].open += 1
    case .advanced(let activity, let rows):
      guard rows > 0, let place = series.firstIndex(where: { $0.activity == activity }) else { return }
      series[place].add(Sample(seconds: seconds, rows: series[place].rows + rows))
    case .finished(let activity, _, _, _, _):
      guard let place = series.firstIndex(where: { $0.activity == activity }) else { return }
      series[place].open = max(0, series[place].open - 1)
    case .planned, .warning: return
    }
  }

  /// The samples as JSON: for each activity, how many rows were done after how many seconds of the run.
  public var json: JSON {
    .array(
      series.map { series in
        let samples = series.samples.map { sample -> JSON in
          [
            "seconds": .real((sample.seconds * 1000).rounded() / 1000) ?? .null,
            "rows": .integer(sample.rows),
          ]
        }
        return ["activity": .string(series.activity.rawValue), "samples": .array(samples)]
      })
  }
}

extension RunRates.Series {
  /// Adds a sample; one too close to the last but one takes the last one's place, so that the last is always the end.
  fileprivate mutating func add(_ sample: RunRates.Sample) {
    if samples.count >= 2, sample.seconds - samples[samples.count - 2].seconds < spacing {
      samples.removeLast()
    }
    samples.append(sample)
    guard samples.count > RunRates.mostSamples else { return }
    let end = samples.count - 1
    samples = samples.enumerated().filter { $0.offset.isMultiple(of: 2) || $0.offset == end }.map(\.element)
    spacing *= 2
  }

  // MARK: - Rates

  /// Rows a second in so many equal parts of a time, in order.
  func rates(parts: Int, seconds: Double) -> [Double] {
    let width = seconds / Double(parts)
    guard width > 0 else { return [] }
    let borders = (0...parts).map { rows(at: Double($0) * width) }
    return zip(borders, borders.dropFirst()).map { ($1 - $0) / width }
  }

  /// Rows a second over the time in which rows were done; nil where there was none.
  var average: Double? {
    let steps = zip(samples, samples.dropFirst()).filter { $1.rows > $0.rows }
    let seconds = steps.reduce(0) { $0 + $1.1.seconds - $1.0.seconds }
    return seconds > 0 ? Double(rows) / seconds : nil
  }

  /// The rows done by a moment, on the straight line between the samples around it.
  private func rows(at seconds: Double) -> Double {
    guard let next = samples.firstIndex(where: { $0.seconds >= seconds }) else { return Double(rows) }
    let right = samples[next]
    guard next > 0 else { return 0 }
    let left = samples[next - 1]
    let part = right.seconds > left.seconds ? (seconds - left.seconds) / (right.seconds - left.seconds) : 1
    return Double(left.rows) + Double(right.rows - left.rows) * part
  }
}
