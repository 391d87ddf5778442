/** What can go wrong with compressed bytes. The README says when each code happens and what to do. */
export type CodecErrorCode = 'CODEC_TOO_LARGE' | 'CODEC_CORRUPT' | 'CODEC_UNKNOWN'

export class CodecError extends Error {
  override readonly name = 'CodecError'
  readonly code: CodecErrorCode

  constructor(code: CodecErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
