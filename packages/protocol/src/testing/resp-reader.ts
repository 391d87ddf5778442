/**
 * The Redis protocol as docs/RESP.md tells it, read with regular expressions over text of one byte a
 * character and without a thought for speed.
 */
export interface RespStream {
  readonly requests: readonly (readonly string[])[]
  /** Where reading stopped: at the end, at an incomplete request, or at one that cannot be followed. */
  readonly end: number
  readonly error: string | null
}

const BULK_MAX = 100 * 1024 * 1024
const REQUEST_MAX = 128 * 1024 * 1024
const ARGUMENTS_MAX = 1024 * 1024
const DIGITS_MAX = 10

class ProtocolBreach extends Error {}
class Unfinished extends Error {}

/** Every request of the bytes, empty ones too. */
export function readRespRequests(bytes: Uint8Array): RespStream {
  const text = Buffer.from(bytes).toString('latin1')
  const requests: string[][] = []
  let end = 0
  try {
    while (end < text.length) {
      const { args, next } = readRequest(text, end)
      requests.push(args)
      end = next
    }
  } catch (error) {
    if (error instanceof Unfinished) return { requests, end, error: null }
    if (error instanceof ProtocolBreach) return { requests, end, error: error.message }
    throw error
  }
  return { requests, end, error: null }
}

function readRequest(text: string, start: number): { args: string[]; next: number } {
  const head = readLine(text, start, '*', 'invalid multibulk length')
  if (head.value > ARGUMENTS_MAX) throw new ProtocolBreach('invalid multibulk length')
  const args: string[] = []
  let at = head.next
  while (args.length < head.value) {
    const line = readLine(text, at, '$', 'invalid bulk length')
    const isTooLong = line.value > BULK_MAX || line.next + line.value - start > REQUEST_MAX
    if (line.value < 0 || isTooLong) throw new ProtocolBreach('invalid bulk length')
    const end = line.next + line.value
    if (end + 2 > text.length) throw new Unfinished()
    args.push(text.slice(line.next, end))
    at = end + 2
  }
  return { args, next: at }
}

/** A marker, a number, CR LF. */
function readLine(text: string, start: number, marker: string, words: string) {
  if (start >= text.length) throw new Unfinished()
  const first = text[start]!
  if (first !== marker) {
    throw new ProtocolBreach(`expected '${marker}', got '${/[ -~]/.test(first) ? first : '?'}'`)
  }
  const line = /^(-?)(\d*)(\r?)(\n?)/.exec(text.slice(start + 1, start + 64))!
  const [, minus, digits, cr, lf] = line as unknown as [string, string, string, string, string]
  const stop = start + 1 + minus.length + digits.length
  if (digits.length > DIGITS_MAX) throw new ProtocolBreach(words)
  // A number that is at its end is judged; before that anything may follow.
  if (stop === text.length) throw new Unfinished()
  if (digits === '' || /^0./.test(digits) || cr === '') throw new ProtocolBreach(words)
  if (stop + 1 === text.length) throw new Unfinished()
  if (lf === '') throw new ProtocolBreach(words)
  const value = minus === '' ? Number(digits) : -1
  return { value, next: stop + 2 }
}
