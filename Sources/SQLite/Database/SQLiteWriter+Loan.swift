// The writer on loan: the jobs of a transaction that lasts over several awaits.

extension SQLiteWriter {
  /// Runs a job that begins a transaction, or one that belongs to the innermost open one.
  func runLent(_ job: SQLiteJob, on connection: SQLiteConnection) {
    switch job.role {
    case .begin(let scope): begin(scope, job, on: connection)
    case .commit: end(job, Result { try commitInnermost(on: connection) })
    case .rollback:
      isNested ? connection.undoSavepoint() : connection.rollback()
      end(job, .success(()))
    case .grouped, .outside:
      job.answer(
        Result {
          guard connection.isInTransaction else { throw SQLiteError.transactionUndone(path: path) }
          try connection.savepoint { try job.run(on: connection) }
        })
    }
  }

  private func begin(_ scope: Int, _ job: SQLiteJob, on connection: SQLiteConnection) {
    let isNested = isLent
    do {
      if isNested {
        guard connection.isInTransaction else { throw SQLiteError.transactionUndone(path: path) }
        try connection.openSavepoint()
      } else {
        try connection.begin(.immediate)
      }
      do {
        // Cancelled meanwhile: nobody would end it.
        try job.run(on: connection)
      } catch {
        isNested ? connection.undoSavepoint() : connection.rollback()
        throw error
      }
      opened(scope)
      job.answer(.success(()))
    } catch {
      job.answer(.failure(error))
    }
  }

  private func commitInnermost(on connection: SQLiteConnection) throws {
    let isNested = isNested
    guard connection.isInTransaction else {
      if isNested { connection.undoSavepoint() }
      throw SQLiteError.transactionUndone(path: path)
    }
    do {
      isNested ? try connection.releaseSavepoint() : try connection.commit()
    } catch {
      isNested ? connection.undoSavepoint() : connection.rollback()
      throw error
    }
  }

  /// Ends the innermost transaction: who calls it from now on is refused.
  private func end(_ job: SQLiteJob, _ result: Result<Void, any Error>) {
    let late = closed()
    job.answer(result)
    for job in late { job.answer(.failure(SQLiteError.transactionEnded(path: path))) }
  }
}
