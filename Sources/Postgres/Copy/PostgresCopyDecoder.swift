// Reads rows in the binary form of COPY, in the pieces in which `copyOut` hands them over.

/// The fields of rows in the binary form of COPY.
///
/// ```swift
/// var decoder = PostgresCopyDecoder()
/// try await connection.copyOut("COPY memories TO STDOUT (FORMAT binary)") { piece in
///   guard try decoder.read(piece) else { return }  // the trailer
///   let id = try decoder.value(0, as: .uuid, of: piece)
/// }
/// ```
/// It keeps the places of a row's fields between calls, so that a row needs no allocation.
public struct PostgresCopyDecoder: Sendable {
  private struct Place {
    var start: Int
    /// -1 for NULL.
    var count: Int
  }

  private var hasHeader = false
  private var places: [Place] = []
  private var rows = 0

  /// A decoder for one stream from its start.
  public init() {}

  /// How many fields the current row has.
  public var count: Int { places.count }

  /// Takes in one piece of the stream: the places of its fields, which the other calls then read from the same bytes.
  ///
  /// - Returns: whether it holds a row; false for the trailer.
  /// - Throws: `decoding` if it is not what the server sends.
  public mutating func read(_ piece: UnsafeRawBufferPointer) throws(PostgresError) -> Bool {
    do {
      return unsafe try parse(piece)
    } catch {
      throw PostgresError(.decoding, "row \(rows) of a binary COPY is malformed")
    }
  }

  private mutating func parse(_ piece: UnsafeRawBufferPointer) throws(DecodingFailure) -> Bool {
    var reader = unsafe BinaryReader(piece)
    places.removeAll(keepingCapacity: true)
    if !hasHeader {
      let signature = unsafe try reader.take(CopyFormat.signature.count)
      guard unsafe signature.elementsEqual(CopyFormat.signature) else { throw .malformed }
      _ = unsafe try reader.integer(Int32.self)
      let extensionLength = unsafe try reader.integer(Int32.self)
      _ = unsafe try reader.take(Int(extensionLength))
      hasHeader = true
      // The server may send the header alone.
      if unsafe reader.remaining == 0 { return false }
    }
    let fields = unsafe try reader.integer(Int16.self)
    if fields == -1 { return false }
    for _ in 0..<max(0, fields) {
      let length = unsafe try reader.integer(Int32.self)
      places.append(Place(start: unsafe reader.offset, count: max(-1, Int(length))))
      if length > 0 { _ = unsafe try reader.take(Int(length)) }
    }
    guard unsafe reader.remaining == 0 else { throw .malformed }
    rows += 1
    return true
  }

  /// The row that a piece holds, from its count of fields on, as `PostgresCopyEncoder` writes it; nil for the trailer. Its fields
  /// are not looked at.
  ///
  /// - Throws: `decoding` where a stream begins with something else than its header.
  public mutating func row(of piece: UnsafeRawBufferPointer) throws(PostgresError) -> UnsafeRawBufferPointer?
  {
    var start = 0
    if !hasHeader {
      guard unsafe try read(piece), let first = places.first else { return nil }
      start = first.start - 6
    }
    guard piece.count >= start + 6 else { return nil }
    return unsafe UnsafeRawBufferPointer(rebasing: piece[start...])
  }

  /// Whether a field of the current row is NULL.
  public func isNull(_ field: Int) -> Bool { places[field].count < 0 }

  /// The bytes of a field of the current row in its type's binary form, lent like the piece itself; `nil` for NULL.
  public func bytes(_ field: Int, of piece: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    let place = places[field]
    guard place.count >= 0, place.start + place.count <= piece.count else { return nil }
    return unsafe UnsafeRawBufferPointer(rebasing: piece[place.start..<(place.start + place.count)])
  }

  /// A field of the current row as a value of that type.
  ///
  /// - Throws: `decoding`, naming field and row, if the bytes are not of the type.
  public func value(
    _ field: Int, as type: PostgresType, of piece: UnsafeRawBufferPointer
  ) throws(PostgresError) -> PostgresValue {
    guard let bytes = unsafe bytes(field, of: piece) else { return .null }
    do {
      return try unsafe PostgresValue(ReceivedField(type: type, isText: false, bytes: bytes))
    } catch {
      throw PostgresError(.decoding, "field \(field) of row \(rows) of a binary COPY is not \(type)")
    }
  }
}
