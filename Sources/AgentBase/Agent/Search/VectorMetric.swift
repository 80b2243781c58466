// How vectors are compared, by the same arithmetic for every backend.

/// How far two vectors are from each other.
public enum VectorMetric: String, Sendable, Hashable, Codable, CaseIterable {
  /// By the angle between them. A vector of zeros has none, and is never found.
  case cosine
  /// By their inner product: the greater, the nearer.
  case innerProduct
  /// By the straight line between them (L2).
  case euclidean

  /// The distance of two vectors with as many numbers each, as pgvector's operators `<=>`, `<#>` and `<->` measure it; nil where there
  /// is none: an angle with a vector of zeros, or numbers too great for a `Float`.
  public func distance(_ left: [Float], _ right: [Float]) -> Double? {
    guard left.count == right.count else { return nil }
    return unsafe left.withUnsafeBytes { left in
      unsafe right.withUnsafeBytes { right in unsafe distance(left, right) }
    }
  }

  /// The distance of two vectors as bytes: float32, little-endian.
  func distance(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Double? {
    let sums = unsafe VectorSums(left, right, self)
    guard sums.areFinite else { return nil }
    switch self {
    case .cosine:
      guard sums.leftSquare > 0, sums.rightSquare > 0 else { return nil }
      let norms = (Double(sums.leftSquare) * Double(sums.rightSquare)).squareRoot()
      return 1 - min(1, max(-1, Double(sums.product) / norms))
    // Zero has no sign, so that equal distances are equal.
    case .innerProduct: return sums.product == 0 ? 0 : -Double(sums.product)
    case .euclidean: return Double(sums.difference).squareRoot()
    }
  }

  /// The score of a distance: the similarity, the inner product, or 1 / (1 + distance).
  public func score(ofDistance distance: Double) -> Double {
    switch self {
    case .cosine: 1 - distance
    case .innerProduct: distance == 0 ? 0 : -distance
    case .euclidean: 1 / (1 + distance)
    }
  }
}

/// The sums that a metric is made from, eight numbers at a time.
private struct VectorSums {
  var product: Float = 0
  var leftSquare: Float = 0
  var rightSquare: Float = 0
  var difference: Float = 0

  var areFinite: Bool {
    product.isFinite && leftSquare.isFinite && rightSquare.isFinite && difference.isFinite
  }

  init(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, _ metric: VectorMetric) {
    typealias Lanes = SIMD8<Float>
    let width = MemoryLayout<Lanes>.size
    let count = min(left.count, right.count)
    var index = 0
    var (products, lefts, rights, differences) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    switch metric {
    case .cosine:
      while index + width <= count {
        let (a, b) = unsafe (
          left.loadUnaligned(fromByteOffset: index, as: Lanes.self),
          right.loadUnaligned(fromByteOffset: index, as: Lanes.self)
        )
        products += a * b
        lefts += a * a
        rights += b * b
        index += width
      }
    case .innerProduct:
      while index + width <= count {
        let (a, b) = unsafe (
          left.loadUnaligned(fromByteOffset: index, as: Lanes.self),
          right.loadUnaligned(fromByteOffset: index, as: Lanes.self)
        )
        products += a * b
        index += width
      }
    case .euclidean:
      while index + width <= count {
        let (a, b) = unsafe (
          left.loadUnaligned(fromByteOffset: index, as: Lanes.self),
          right.loadUnaligned(fromByteOffset: index, as: Lanes.self)
        )
        let step = a - b
        differences += step * step
        index += width
      }
    }
    (product, leftSquare) = (products.sum(), lefts.sum())
    (rightSquare, difference) = (rights.sum(), differences.sum())
    while index + 4 <= count {
      let (a, b) = unsafe (
        left.loadUnaligned(fromByteOffset: index, as: Float.self),
        right.loadUnaligned(fromByteOffset: index, as: Float.self)
      )
      switch metric {
      case .cosine:
        product += a * b
        leftSquare += a * a
        rightSquare += b * b
      case .innerProduct: product += a * b
      case .euclidean: difference += (a - b) * (a - b)
      }
      index += 4
    }
  }
}
