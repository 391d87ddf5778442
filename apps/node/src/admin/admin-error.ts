/** Why an operator's word is not carried out, for him to read: its code is one of the table of errors. */
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
