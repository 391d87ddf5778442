/**
 * Every opcode of both forms, with a request that is right in all but the key that was not shown, and what it
 * needs: nothing, or the leave to read, or to write.
 */
import { encodeBatch, encodeScanRequest, FRAME_FLAG, FRAME_OPCODE, writeI64 } from '@minivault/protocol'
import { DOCUMENTED, documentedRequest, type Form, frameRequest } from './requests.ts'

export const AUTH_MODES = ['none', 'writes', 'all'] as const
export type AuthMode = (typeof AUTH_MODES)[number]

export interface OpcodeCase {
  what: string
  form: Form
  needs: 'nothing' | 'reading' | 'writing'
  request: Buffer
}

const KEY = Buffer.from('guarded')
const VALUE = Buffer.from('written by a stranger')

function delta(): Buffer {
  const bytes = Buffer.alloc(8)
  writeI64(1n, bytes, 0)
  return bytes
}

function frames(): OpcodeCase[] {
  const { get, set, delete: remove, scan, batch, touch, increment, health } = FRAME_OPCODE
  const of = (what: string, needs: OpcodeCase['needs'], request: Buffer): OpcodeCase => ({
    what,
    form: 'frame',
    needs,
    request,
  })
  const withFlags = (flags: number, more: object = {}) =>
    frameRequest({
      opcode: set,
      key: KEY,
      value: VALUE,
      fill: (request) => Object.assign(request, { flags, ...more }),
    })
  const writes = Buffer.from(
    encodeBatch([
      { key: KEY, value: VALUE },
      { key: Buffer.from('b'), value: null },
    ]),
  )
  return [
    of('HEALTH', 'nothing', frameRequest({ opcode: health })),
    of('GET', 'reading', frameRequest({ opcode: get, key: KEY })),
    of(
      'GET of a range',
      'reading',
      frameRequest({ opcode: get, key: KEY, fill: (request) => (request.flags = FRAME_FLAG.range) }),
    ),
    of('SCAN', 'reading', frameRequest({ opcode: scan, value: encodeScanRequest({}) })),
    of('SET', 'writing', frameRequest({ opcode: set, key: KEY, value: VALUE })),
    of('SET ifAbsent', 'writing', withFlags(FRAME_FLAG.ifAbsent)),
    of('SET ifVersion', 'writing', withFlags(FRAME_FLAG.ifVersion)),
    of('SET in one chunk', 'writing', withFlags(FRAME_FLAG.chunk, { totalBytes: VALUE.length })),
    of('DELETE', 'writing', frameRequest({ opcode: remove, key: KEY })),
    of('TOUCH', 'writing', frameRequest({ opcode: touch, key: KEY })),
    of('INCREMENT', 'writing', frameRequest({ opcode: increment, key: KEY, value: delta() })),
    of('BATCH', 'writing', frameRequest({ opcode: batch, value: writes })),
  ]
}

function documented(): OpcodeCase[] {
  const of = (what: string, needs: OpcodeCase['needs'], opcode: number): OpcodeCase => ({
    what,
    form: 'documented',
    needs,
    request: documentedRequest({ opcode, key: KEY, value: VALUE }),
  })
  return [
    of('HEALTH', 'nothing', DOCUMENTED.health),
    of('SET', 'writing', DOCUMENTED.set),
    of('GET', 'reading', DOCUMENTED.get),
    of('DELETE', 'writing', DOCUMENTED.delete),
  ]
}

/** In an order in which a stranger's write would be seen by what follows. */
export const OPCODE_CASES: readonly OpcodeCase[] = [...frames(), ...documented()]

export function isOpen({ needs }: OpcodeCase, mode: AuthMode): boolean {
  return needs === 'nothing' || mode === 'none' || (mode === 'writes' && needs === 'reading')
}
