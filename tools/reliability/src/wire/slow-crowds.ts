/** Clients that are slow on purpose, over every protocol: some read nothing, some do not go on. */
import { FRAME_FLAG, FRAME_OPCODE } from '@minivault/protocol'
import type { Crowd } from './crowd.ts'
import { BINARY_FORMS, type Form, frameRequest, getRequest, setRequest, type TextForm } from './requests.ts'
import { httpRequest, keyPath } from './text-requests.ts'

const MEBIBYTE = 1024 * 1024
const DRIP_EVERY_MS = 300
export const VALUE_BYTES = [48 * 1024, MEBIBYTE, 8 * MEBIBYTE]
/** How many of each. The kernel alone may take 37 MB of them for a connection. */
const ASKED = [1200, 40, 40]
const SMALL_ASKED = [1200, 0, 0]

export interface Slow {
  name: string
  form: Form
  /** Of all that are slow together. */
  share: number
  begin(crowd: Crowd): Promise<void>
}

export const keyOf = (bytes: number) => Buffer.from(`large ${bytes}`)

/** Asks for more than any buffer holds, and takes nothing of it. */
function deaf(form: Form, share: number, asked = ASKED): Slow {
  return {
    name: `reads nothing (${form})`,
    form,
    share,
    async begin(crowd) {
      await crowd.deaf()
      const all = VALUE_BYTES.flatMap((bytes, kind) =>
        Array.from({ length: asked[kind]! }, (_, index) => getRequest(form, keyOf(bytes), index)),
      )
      await crowd.say(Buffer.concat(all))
    },
  }
}

/** The large ones as they are, which leave piece by piece. */
function deafOverHttp(share: number): Slow {
  const headers = ['Accept: application/octet-stream']
  const path = keyPath(keyOf(8 * MEBIBYTE))
  const request = httpRequest({ method: 'GET', path, headers })
  return {
    name: 'reads nothing of large values (http)',
    form: 'http',
    share,
    async begin(crowd) {
      await crowd.deaf()
      await crowd.say(Buffer.concat(Array(60).fill(request)))
    },
  }
}

function dripping(form: Form, share: number): Slow {
  const request = setRequest(form, SLOW, Buffer.alloc(20_000, 'v'))
  const name = `sends a byte now and then (${form})`
  return { name, form, share, begin: (crowd) => crowd.drip(request, DRIP_EVERY_MS) }
}

/** A part of a value, and then nothing. */
function begun(form: TextForm, share: number): Slow {
  const part = setRequest(form, SLOW, Buffer.alloc(40_000, 'v')).subarray(0, 20_000)
  return { name: `sends half (${form})`, form, share, begin: (crowd) => crowd.say(part) }
}

/** A whole piece of a value, and then nothing. */
function pausing(share: number): Slow {
  const chunk = frameRequest({
    opcode: FRAME_OPCODE.set,
    key: Buffer.from('chunked'),
    value: Buffer.alloc(2000),
    fill: (request) => {
      request.flags = FRAME_FLAG.chunk | FRAME_FLAG.more
      request.totalBytes = MEBIBYTE
    },
  })
  return { name: 'sends one chunk (frame)', form: 'frame', share, begin: (crowd) => crowd.say(chunk) }
}

const SLOW = Buffer.from('slow')

/** Of HTTP the small ones alone are more than is held. */
export const READERS = [
  ...BINARY_FORMS.map((form) => deaf(form, 0.25)),
  deaf('resp', 0.25),
  deaf('http', 0.25, SMALL_ASKED),
]
export const HTTP_LARGE_READERS = [deafOverHttp(1)]

export const SENDERS = [
  ...BINARY_FORMS.map((form) => dripping(form, 0.25)),
  pausing(0.1),
  dripping('resp', 0.15),
  begun('resp', 0.1),
  begun('http', 0.15),
]
/** Their heads come to no end: the bytes of a body may come slowly for longer. */
export const HEADS = [dripping('http', 1)]
