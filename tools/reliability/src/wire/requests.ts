/**
 * Requests as bytes, in both forms of the binary port, HTTP and RESP. All but the frames are written out from
 * their published tables, so that a mistake in the product's encoder cannot hide one in its decoder.
 */
import { encodeFrameRequest, encodeHello, FRAME_OPCODE, FrameRequest } from '@minivault/protocol'
import { httpRequest, keyPath, plainPath, respCommand, valueJson } from './text-requests.ts'

export const BINARY_FORMS = ['documented', 'frame'] as const
export type BinaryForm = (typeof BINARY_FORMS)[number]
export const TEXT_FORMS = ['http', 'resp'] as const
export type TextForm = (typeof TEXT_FORMS)[number]
export type Form = BinaryForm | TextForm
export const FORMS: readonly Form[] = [...BINARY_FORMS, ...TEXT_FORMS]

export function isBinary(form: Form): form is BinaryForm {
  return form === 'documented' || form === 'frame'
}

export const DOCUMENTED = { get: 1, set: 2, delete: 3, health: 5, auth: 6 } as const
const NOTHING = new Uint8Array(0)

export interface Words {
  opcode: number
  key?: Uint8Array
  value?: Uint8Array
  /** Documented: 0 or 1; frames: 0, 1, 2. */
  codec?: number
  /** The length the request says it has, where that is to be a lie. */
  announced?: number
  frameId?: number
  /** Whatever else a frame may say. */
  fill?: (request: FrameRequest) => void
}

export function documentedRequest({ opcode, key = NOTHING, value, codec = 0, announced }: Words): Buffer {
  const head = Buffer.alloc(3)
  head[0] = opcode
  head.writeUInt16LE(key.length, 1)
  if (opcode !== DOCUMENTED.set) return Buffer.concat([head, key])
  const sent = value ?? NOTHING
  const length = Buffer.alloc(5)
  length.writeUInt32LE(announced ?? sent.length)
  length[4] = codec
  return Buffer.concat([head, key, length, sent])
}

export function frameRequest(words: Words): Buffer {
  const { opcode, key = NOTHING, value = NOTHING, codec = 0, announced, frameId = 1, fill } = words
  const request = new FrameRequest().begin(opcode, frameId)
  request.codec = codec
  fill?.(request)
  const bytes = Buffer.alloc(128 + key.length + value.length)
  const end = encodeFrameRequest(request, key, value, 0, value.length, bytes, 0)
  if (announced !== undefined) bytes.writeUInt32LE(announced, 4)
  return bytes.subarray(0, end)
}

export function helloRequest(): Buffer {
  return frameRequest({ opcode: FRAME_OPCODE.hello, frameId: 0, value: encodeHello(Buffer.alloc(16, 7)) })
}

/** What a connection of this form says first, so that its session begins; it is answered. */
export function greeting(form: Form): Buffer {
  switch (form) {
    case 'frame':
      return helloRequest()
    case 'documented':
      return documentedRequest({ opcode: DOCUMENTED.health })
    case 'http':
      return httpRequest({ method: 'GET', path: '/health' })
    case 'resp':
      return respCommand('PING')
  }
}

export function getRequest(form: Form, key: Uint8Array, frameId = 1): Buffer {
  switch (form) {
    case 'frame':
      return frameRequest({ opcode: FRAME_OPCODE.get, key, frameId })
    case 'documented':
      return documentedRequest({ opcode: DOCUMENTED.get, key })
    case 'http':
      return httpRequest({ method: 'GET', path: plainPath(key) })
    case 'resp':
      return respCommand('GET', key)
  }
}

/** `more` is for the binary forms; the value is text where the form is HTTP. */
export function setRequest(
  form: Form,
  key: Uint8Array,
  value: Uint8Array,
  more: Partial<Words> = {},
): Buffer {
  switch (form) {
    case 'frame':
      return frameRequest({ opcode: FRAME_OPCODE.set, key, value, ...more })
    case 'documented':
      return documentedRequest({ opcode: DOCUMENTED.set, key, value, ...more })
    case 'http':
      return httpRequest({ method: 'PUT', path: keyPath(key), body: valueJson(value) })
    case 'resp':
      return respCommand('SET', key, value)
  }
}

export function deleteRequest(form: Form, key: Uint8Array, frameId = 1): Buffer {
  switch (form) {
    case 'frame':
      return frameRequest({ opcode: FRAME_OPCODE.delete, key, frameId })
    case 'documented':
      return documentedRequest({ opcode: DOCUMENTED.delete, key })
    case 'http':
      return httpRequest({ method: 'DELETE', path: keyPath(key) })
    case 'resp':
      return respCommand('DEL', key)
  }
}
