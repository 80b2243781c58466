// Where vectors come from: the embedder of an agent, and the spaces of vectors that can be compared.

/// Makes vectors from texts: a model in the process, or a service.
///
///     struct Hasher: Embedder {
///       let dimensions = 64
///       func embed(_ texts: [String]) async throws -> [[Float]] { texts.map(vector) }
///     }
public protocol Embedder: Sendable {
  /// How many numbers each of its vectors has.
  var dimensions: Int { get }
  /// The vectors of texts, in their order. Called with as many texts at once as are stored or looked for at once.
  func embed(_ texts: [String]) async throws -> [[Float]]
}

/// A space of vectors that can be compared with each other: those of an agent, or of a part of its namespaces.
public struct EmbeddingSpace: Sendable {
  /// How many numbers a vector has.
  public var dimensions: Int
  /// How vectors are compared unless a search says otherwise, and what their index is made for.
  public var metric: VectorMetric
  /// What makes vectors of the texts that are stored and looked for without one; nil where every caller brings its own.
  public var embedder: (any Embedder)?
  /// Which part of a value is embedded; nil for all of its text.
  public var field: MemoryField?

  /// A space for vectors of the caller's own.
  public init(dimensions: Int, metric: VectorMetric = .cosine) {
    self.dimensions = dimensions
    self.metric = metric
  }

  /// A space for what an embedder makes.
  public init(_ embedder: some Embedder, metric: VectorMetric = .cosine, of field: MemoryField? = nil) {
    self.init(dimensions: embedder.dimensions, metric: metric)
    self.embedder = embedder
    self.field = field
  }
}

extension EmbeddingSpace {
  /// Checks what was configured.
  func check() throws(AgentBaseError) {
    guard (1...StoredLimits.embeddingDimensions).contains(dimensions) else {
      throw AgentBaseError(
        .invalidConfiguration, "a space of \(dimensions) dimensions",
        advice: "A vector has 1 to \(StoredLimits.embeddingDimensions) numbers.")
    }
    if let embedder, embedder.dimensions != dimensions {
      throw AgentBaseError(
        .invalidConfiguration,
        "the space has \(dimensions) dimensions and its embedder makes vectors of \(embedder.dimensions)")
    }
  }

  /// The vectors of texts.
  ///
  /// - Throws: `AgentBaseError` of the code `embedding` where there is no embedder, or it fails or answers something else than
  ///   was asked for; `CancellationError`.
  func embed(_ texts: [String]) async throws -> [[Float]] {
    guard let embedder else {
      throw AgentBaseError(
        .embedding, "there is no embedder for this text",
        advice: "Set `embedding` of the config to a space with an embedder, or give the vector.")
    }
    guard !texts.isEmpty else { return [] }
    let vectors: [[Float]]
    do {
      vectors = try await embedder.embed(texts)
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      // The embedder's own words may hold the text: they are in `underlying` only.
      throw AgentBaseError(.embedding, "the embedder failed", underlying: error)
    }
    guard vectors.count == texts.count else {
      throw AgentBaseError(
        .embedding, "the embedder made \(vectors.count) vectors of \(texts.count) texts")
    }
    for vector in vectors {
      guard vector.count == dimensions, vector.allSatisfy(\.isFinite) else {
        throw AgentBaseError(
          .embedding,
          "the embedder made a vector of \(vector.count) numbers, or one that is not finite; the space has \(dimensions)"
        )
      }
    }
    return vectors
  }

  /// The text of a value that is embedded; nil where the field is not there, or nothing is in it.
  func text(of value: MemoryValue) -> String? {
    let text: String
    if let field {
      guard let found = field.find(value.json, [:]), found != .null else { return nil }
      text = found.stringValue ?? found.jsonbText
    } else {
      text = value.text
    }
    return text.isEmpty ? nil : text
  }
}

/// A space as the database knows it.
struct StoredSpace: Sendable, Hashable {
  /// The namespace whose subtree it is; empty for the agent as a whole.
  var namespace: String
  var dimensions: Int
  var metric: VectorMetric
  /// Where a change of the embedding stands; nil where none is under way.
  var change: MemoryName?
}

extension [StoredSpace] {
  /// The space that a namespace's memories are in: the innermost one.
  func space(of namespace: String) -> StoredSpace? {
    filter { $0.namespace.isEmpty || MemoryScope.under($0.namespace).contains(namespace) }
      .max { $0.namespace.utf8.count < $1.namespace.utf8.count }
  }

  /// The spaces that a scope may hold memories of; empty where it may hold memories of none.
  func spaces(in scope: MemoryScope) -> [StoredSpace] {
    switch scope {
    case .all: return self
    case .namespace(let name): return space(of: name).map { [$0] } ?? []
    case .under(let name):
      guard !name.isEmpty else { return space(of: "").map { [$0] } ?? [] }
      let inner = filter { MemoryScope.under(name).contains($0.namespace) && !$0.namespace.isExactly(name) }
      return inner + (space(of: name).map { [$0] } ?? [])
    }
  }
}
