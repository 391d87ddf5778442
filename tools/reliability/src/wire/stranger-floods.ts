/** What strangers send so that the node keeps it, and how much it keeps of that. */
import { FRAME_OPCODE } from '@minivault/protocol'
import type { NodeProgram } from './node-program.ts'
import { DOCUMENTED, documentedRequest, type Form, frameRequest, setRequest } from './requests.ts'
import { httpRequest, respCommand } from './text-requests.ts'
import { WireClient } from './wire-client.ts'

const KEY = Buffer.from('guarded')
const KIBIBYTE = 1024
const SETTLE_MS = 400
/** Or until the node has answered all it will. */
const SETTLE_MS_MAX = 8_000

export interface Flood {
  name: string
  connections: number
  httpConnections: number
  /** The node may grow by so much for each of them. */
  bytesEachMax: number
  /** The same over HTTP: `node:http` reads on for a while so that its refusal is heard. */
  httpBytesEachMax: number
  /** Takes no reply. */
  isDeaf?: boolean
  sent(form: Form): Buffer
}

/** A whole SET of `bytes` bytes; as a frame at most as much as a frame holds. */
function set(form: Form, bytes: number): Buffer {
  const most = form === 'frame' ? Math.min(bytes, 250 * KIBIBYTE) : bytes
  return setRequest(form, KEY, Buffer.alloc(most, 's'))
}

export const WITHOUT_LAST_BYTE: Flood = {
  name: 'requests of 200 KiB without their last byte',
  connections: 500,
  httpConnections: 125,
  bytesEachMax: 24 * KIBIBYTE,
  httpBytesEachMax: 512 * KIBIBYTE,
  sent: (form) => set(form, 200 * KIBIBYTE).subarray(0, -1),
}

/**
 * What an idle connection takes (row 12) and the heap's own growth are in each of these: 4 KiB over HTTP were
 * 33 KiB each of the built program, on a busy machine.
 */
export const FLOODS: readonly Flood[] = [
  {
    name: 'requests of 4 KiB without their last byte',
    connections: 1000,
    httpConnections: 1000,
    bytesEachMax: 24 * KIBIBYTE,
    httpBytesEachMax: 48 * KIBIBYTE,
    sent: (form) => set(form, 3900).subarray(0, -1),
  },
  WITHOUT_LAST_BYTE,
  {
    name: 'values of 8 MiB',
    connections: 20,
    httpConnections: 40,
    bytesEachMax: 512 * KIBIBYTE,
    httpBytesEachMax: 1024 * KIBIBYTE,
    sent: (form) => (form === 'frame' ? Buffer.concat(Array(32).fill(set(form, 8e6))) : set(form, 8 << 20)),
  },
  {
    name: 'wrong keys and HEALTH, of which no reply is taken',
    // Enough of them that the garbage of so many answers is little beside it.
    connections: 400,
    httpConnections: 50,
    bytesEachMax: 128 * KIBIBYTE,
    httpBytesEachMax: 4096 * KIBIBYTE,
    isDeaf: true,
    sent: (form) => Buffer.concat(Array(20_000).fill(Buffer.concat(wrongAndHealth(form)))),
  },
]

function wrongAndHealth(form: Form): Buffer[] {
  const headers = ['Authorization: Bearer wrong']
  switch (form) {
    case 'frame':
      return [frameRequest({ opcode: FRAME_OPCODE.health }), frameRequest({ opcode: FRAME_OPCODE.auth })]
    case 'documented':
      return [
        documentedRequest({ opcode: DOCUMENTED.health }),
        documentedRequest({ opcode: DOCUMENTED.auth, key: KEY }),
      ]
    case 'http':
      return ['/health', '/guarded'].map((path) => httpRequest({ method: 'GET', path, headers }))
    case 'resp':
      return [respCommand('AUTH', KEY), respCommand('HELLO', '3', 'AUTH', 'default', KEY)]
  }
}

export async function flood(node: NodeProgram, one: Flood, forms: readonly Form[]) {
  const { name, connections, isDeaf, sent } = one
  const bytes = new Map(forms.map((form) => [form, sent(form)]))
  const chosen = Array.from({ length: connections }, (_, index) => forms[index % forms.length]!)
  const before = node.residentBytes
  node.forgetPeak()
  const clients = await Promise.all(chosen.map((form) => WireClient.connect({ port: node.port, form })))
  for (const [index, { socket }] of clients.entries()) {
    if (isDeaf === true) socket.pause()
    socket.write(bytes.get(chosen[index]!)!)
  }
  await settled(node)
  const grown = (node.peakBytes - before) / connections
  for (const client of clients) client.close()
  const max = forms.includes('http') ? one.httpBytesEachMax : one.bytesEachMax
  const said = `${forms.join('+')}: ${connections} × ${name}: ${(grown / KIBIBYTE).toFixed(0)} KiB each`
  return { said, problem: grown > max ? said : null }
}

/** Until its memory has not grown for a while. */
async function settled(node: NodeProgram): Promise<void> {
  let peak = 0
  for (let waited = 0; waited < SETTLE_MS_MAX && node.peakBytes > peak; waited += SETTLE_MS) {
    peak = node.peakBytes
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  }
}
