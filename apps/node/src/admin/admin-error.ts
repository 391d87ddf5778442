import { ERROR, type ErrorName, type ErrorNumber } from '@minivault/protocol'

/** What was asked for is not done; the words are for the operator. */
export class AdminError extends Error {
  override readonly name = 'AdminError'
  readonly error: ErrorNumber

  constructor(code: ErrorName, message: string) {
    super(message)
    this.error = ERROR[code]
  }
}
