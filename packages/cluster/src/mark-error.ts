/** What was read back is no mark, though its name says so; or a mark cannot be written. */
export class MarkError extends Error {
  override readonly name = 'MarkError'
  readonly code = 'CLUSTER_BAD_MARK'
  /** Of the metadata key. */
  readonly key: string

  constructor(key: string, why: string, cause?: unknown) {
    super(`the mark ${key} cannot be read: ${why}`, cause === undefined ? undefined : { cause })
    this.key = key
  }
}
