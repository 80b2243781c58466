// Owner of one libpq connection.

import CPostgres
import Dispatch
import Synchronization

/// Owns a `PGconn`, which is closed with it.
///
/// Sendable, though a `PGconn` is not safe to use from two threads at once: while it is being made, one task hands it
/// from call to call; later the actor `PostgresConnection`, which never lends it out, is the only one that has it.
@safe final class Link: @unchecked Sendable {
  let pointer: OpaquePointer
  private let notices: NoticeReceiver

  /// Starts to connect; may block while names are resolved.
  init?(
    starting configuration: PostgresConfiguration,
    onNotice: @escaping @Sendable (PostgresServerFields) -> Void
  ) {
    let parameters = configuration.connectionParameters
    let pointer = unsafe CStrings.withArray(parameters.map(\.keyword)) { keywords in
      unsafe CStrings.withArray(parameters.map(\.value)) { values in
        unsafe PQconnectStartParams(keywords, values, 0)
      }
    }
    guard let pointer = unsafe pointer else { return nil }
    unsafe self.pointer = unsafe pointer
    notices = NoticeReceiver(handler: onNotice)
    // The codes of refused connections are in the verbose text alone.
    unsafe PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
    unsafe PQsetNoticeReceiver(
      pointer,
      { context, result in
        guard let context = unsafe context, let result = unsafe result,
          let fields = unsafe PostgresServerFields(result)
        else { return }
        unsafe Unmanaged<NoticeReceiver>.fromOpaque(context).takeUnretainedValue().receive(fields)
      }, Unmanaged.passUnretained(notices).toOpaque())
  }

  deinit { unsafe PQfinish(pointer) }

  var socket: Int32 { unsafe PQsocket(pointer) }
  var isBroken: Bool { unsafe PQstatus(pointer) == CONNECTION_BAD }
  var transactionStatus: PGTransactionStatusType { unsafe PQtransactionStatus(pointer) }
  var errorText: String { unsafe String(cString: PQerrorMessage(pointer)) }
  /// What libpq takes these parameters for, after the service file and the environment; what is not set is left out.
  func parameters(_ keywords: Set<String>) -> [String: String] {
    guard let options = unsafe PQconninfo(pointer) else { return [:] }
    defer { unsafe PQconninfoFree(options) }
    var parameters: [String: String] = [:]
    var option = unsafe options
    while let keyword = unsafe option.pointee.keyword.map({ unsafe String(cString: $0) }) {
      if keywords.contains(keyword), let value = unsafe option.pointee.val {
        parameters[keyword] = unsafe String(cString: value)
      }
      unsafe option += 1
    }
    return parameters
  }
  /// How many notices have come; tells a notice from an error while a COPY is being sent.
  var noticeCount: Int { notices.count }
  /// The server's farewell: libpq takes an error that comes between statements for a notice.
  var farewell: PostgresServerFields? { notices.farewell }
}

/// Hands the server's notices on, which libpq would print to standard error.
private final class NoticeReceiver: Sendable {
  private let handler: @Sendable (PostgresServerFields) -> Void
  private let state = Mutex<(count: Int, farewell: PostgresServerFields?)>((0, nil))

  init(handler: @escaping @Sendable (PostgresServerFields) -> Void) { self.handler = handler }

  var count: Int { state.withLock { $0.count } }
  var farewell: PostgresServerFields? { state.withLock { $0.farewell } }

  func receive(_ fields: PostgresServerFields) {
    state.withLock { state in
      state.count += 1
      if fields.isFatal { state.farewell = fields }
    }
    handler(fields)
  }
}

/// NULL-terminated arrays of C strings.
private enum CStrings {
  static func withArray<R>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> R
  ) -> R {
    let bytes = strings.map { Array($0.utf8CString) }
    var flat: [CChar] = []
    var offsets: [Int] = []
    for string in bytes {
      offsets.append(flat.count)
      flat += string
    }
    return unsafe flat.withUnsafeBufferPointer { buffer in
      var pointers: [UnsafePointer<CChar>?] = unsafe offsets.map { offset in
        unsafe buffer.baseAddress.map { unsafe $0 + offset }
      }
      unsafe pointers.append(nil)
      return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
  }
}

/// Threads for the calls of libpq that block: resolving names and sending cancel requests.
enum BlockingQueue {
  private static let queue = DispatchQueue(label: "agentbase.postgres.blocking", attributes: .concurrent)

  static func start(_ work: @escaping @Sendable () -> Void) { queue.async(execute: work) }

  static func run<R: Sendable>(_ work: @escaping @Sendable () -> R) async -> R {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: work()) }
    }
  }
}
