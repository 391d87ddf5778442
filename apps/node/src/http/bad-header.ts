/** A header that cannot be read: the request is refused with these words, and nothing is done. */
export class BadHeader extends Error {
  override readonly name = 'BadHeader'
}
