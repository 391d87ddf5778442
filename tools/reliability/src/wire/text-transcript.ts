/** What a node said over HTTP or RESP, a line for each reply, without what differs from node to node. */
import { HttpReader } from './http-reader.ts'
import type { TextForm } from './requests.ts'
import { RespReader } from './resp-reader.ts'
import type { Transcript } from './transcript.ts'

const CLOSES = ' (closes)'

const REFUSES = /^[45]\d\d /
/** Who has not shown the key hears of it at once. */
const BROKEN = /^-ERR Protocol error: (?!unauthenticated)/

/**
 * Whether the connection ends with a refusal may hang on how much of a body had come by then: that much may
 * differ, and what follows it; and where both refuse and end, which of two things that were wrong they name.
 * A RESP request of many arguments is read on when as many bytes have come as it must have: who ends it
 * before may not hear that it was broken.
 */
export function agreeingLines(one: readonly string[], other: readonly string[]): [string[], string[]] {
  const end = one.findIndex((line, place) => line.endsWith(CLOSES) || other[place]?.endsWith(CLOSES))
  const both = [one[end], other[end]]
  const isRefused = both.every((line) => line !== undefined && REFUSES.test(line) && line.endsWith(CLOSES))
  const upTo = (lines: readonly string[]) => (end < 0 ? lines : lines.slice(0, isRefused ? end : end + 1))
  const plain = (lines: readonly string[]) => upTo(lines).map((line) => line.replace(CLOSES, ''))
  return withoutUnheard(plain(one), plain(other))
}

function withoutUnheard(one: string[], other: string[]): [string[], string[]] {
  const [longer, shorter] = one.length > other.length ? [one, other] : [other, one]
  if (longer.length === shorter.length + 1 && BROKEN.test(longer.at(-1)!)) longer.pop()
  return [one, other]
}

export function textTranscript(form: TextForm, bytes: Buffer): Transcript {
  const lines: string[] = []
  const reader = form === 'http' ? new HttpReader() : new RespReader()
  for (let at = 0; at < bytes.length; ) {
    let consumed: number
    try {
      consumed = reader.read(bytes, at)
    } catch (error) {
      return { lines, problem: `its replies go on with ${(error as Error).message}` }
    }
    if (consumed === 0) return { lines, problem: 'its last reply is not whole' }
    lines.push(
      reader instanceof HttpReader
        ? httpLine(reader)
        : bytes
            .toString('latin1', at, at + consumed)
            .replaceAll(/id\r\n:\d+|server_id\r\n.*|[0-9a-f]{24}/g, ''),
    )
    at += consumed
  }
  return { lines, problem: null }
}

function httpLine({ reply }: HttpReader): string {
  if (reply === null) return 'goes on'
  const { status, headers, body } = reply
  const text = body.toString('latin1')
  const said = text.startsWith('{"status":') ? 'health' : text
  const end = headers.get('connection') === 'close' ? CLOSES : ''
  return `${status} ${headers.get('content-type')} ${said}${end}`
}
