// What a link has to read: bytes at the socket, and bytes that OpenSSL has taken from it and libpq has not.
//
// libpq asks OpenSSL for as much as its buffer has room for, 8 KB at least, once a call of `PQconsumeInput`. A TLS record
// holds up to 16 KB, so a part of one may stay inside OpenSSL, of which the socket shows nothing: who waits for the
// socket then waits for ever. PostgreSQL up to 16 sends records of 8 KB; later ones, poolers and other servers that
// speak its protocol send larger ones. libpq's own blocking calls ask OpenSSL, and so do we.

import CPostgres
import Glibc

extension Link {
  /// Whether something can be read without waiting: data, or the connection's end.
  var isReadable: Bool {
    if holdsDecrypted { return true }
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&entry, 1, 0) > 0
  }

  /// Whether OpenSSL holds bytes of the server that `PQconsumeInput` will take without looking at the socket.
  var holdsDecrypted: Bool {
    guard let session = unsafe PQsslStruct(pointer, "OpenSSL"), let pending = unsafe Self.pending else {
      return false
    }
    return unsafe pending(session) > 0
  }

  /// OpenSSL's `SSL_pending`, from the copy that libpq has loaded; nil where libpq was built without OpenSSL.
  private static let pending: (@convention(c) (UnsafeMutableRawPointer) -> Int32)? = {
    guard let symbol = unsafe dlsym(nil, "SSL_pending") else { return nil }
    return unsafe unsafeBitCast(symbol, to: (@convention(c) (UnsafeMutableRawPointer) -> Int32).self)
  }()
}
