/**
 * Row 14: clients that have not shown the key. Ten thousand keys that are nearly right, every opcode before
 * AUTH under every mode, and floods before AUTH. None is let in, and none makes the node keep more than a
 * little for it.
 */
import { authProof, ERROR, FRAME_OPCODE } from '@minivault/protocol'
import { seededRandom } from '@minivault/wal/testing'
import { type PlantedFault, plantedNode } from '../planted-source.ts'
import type { Context, Findings, Row } from '../row.ts'
import { descriptorObstacle } from '../wire/descriptors.ts'
import { NodeProgram } from '../wire/node-program.ts'
import { AUTH_MODES, type AuthMode, isOpen, OPCODE_CASES } from '../wire/opcode-table.ts'
import {
  BINARY_FORMS,
  DOCUMENTED,
  documentedRequest,
  type Form,
  frameRequest,
  getRequest,
  helloRequest,
} from '../wire/requests.ts'
import { FLOODS, type Flood, flood, WITHOUT_LAST_BYTE } from '../wire/stranger-floods.ts'
import { TextStrangers } from '../wire/text-strangers.ts'
import { WireClient } from '../wire/wire-client.ts'
import { wrongKeys, wrongProofs } from '../wire/wrong-keys.ts'

const KEY = Buffer.from('the key of this node, Ääß')
const CLIENT_NONCE = Buffer.alloc(16, 7)
const NONCE_AT = 24
/** Shown at once on one connection. */
const BATCH = 250
const BELOW_HTTP: readonly Form[] = [...BINARY_FORMS, 'resp']
const HTTP_ALONE: readonly Form[] = ['http']

class Strangers {
  readonly failures: string[] = []
  n = 0
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  async documentedKeys(count: number, random: () => number): Promise<void> {
    const client = await WireClient.connect({ port: this.#port, form: 'documented' })
    const keys = wrongKeys(KEY, random)
    for (let done = 0; done < count; done += BATCH) {
      const shown = Array.from({ length: Math.min(BATCH, count - done) }, () => keys.next().value as Buffer)
      await this.#show(client, 'documented', shown, (key) =>
        documentedRequest({ opcode: DOCUMENTED.auth, key }),
      )
    }
    const right = await client.ask(documentedRequest({ opcode: DOCUMENTED.auth, key: KEY }))
    if (!right.ok) this.failures.push('documented: the right key was refused')
    client.close()
  }

  async frameProofs(count: number, random: () => number): Promise<void> {
    const [{ client, nonce }, other] = await Promise.all([this.#greeted(), this.#greeted()])
    const nonces = { key: KEY, server: nonce, client: CLIENT_NONCE, otherServer: other.nonce }
    const proofs = wrongProofs(nonces, random)
    const toAuth = (value: Uint8Array) => frameRequest({ opcode: FRAME_OPCODE.auth, value })
    for (let done = 0; done < count; done += BATCH) {
      const shown = Array.from({ length: Math.min(BATCH, count - done) }, () => proofs.next().value as Buffer)
      await this.#show(client, 'frame', shown, toAuth)
    }
    const right = await client.ask(toAuth(authProof(KEY, nonce, CLIENT_NONCE)))
    if (!right.ok) this.failures.push('frame: the right proof was refused')
    client.close()
    other.client.close()
  }

  async #greeted() {
    const client = await WireClient.connect({ port: this.#port, form: 'frame', isSilent: true })
    const { value } = await client.ask(helloRequest())
    return { client, nonce: Buffer.from(value.subarray(NONCE_AT, NONCE_AT + 16)) }
  }

  /** Each must be refused, and leave the connection as locked as it was. */
  async #show(client: WireClient, form: Form, shown: readonly Buffer[], toAuth: (key: Buffer) => Buffer) {
    const replies = Promise.all(shown.map(() => client.next()))
    client.socket.write(Buffer.concat(shown.map(toAuth)))
    for (const [index, { ok }] of (await replies).entries()) {
      this.n++
      if (ok) this.failures.push(`${form}: let in with ${shown[index]!.toString('hex') || 'nothing'}`)
    }
    const { ok } = await client.ask(getRequest(form, Buffer.from('guarded')))
    if (ok) this.failures.push(`${form}: reads without the key`)
  }

  /** Each opcode on a connection of its own, before AUTH. */
  async table(mode: AuthMode): Promise<void> {
    for (const one of OPCODE_CASES) {
      this.n++
      const { what, form, request } = one
      const client = await WireClient.connect({ port: this.#port, form })
      const where = `-authmode ${mode}, ${form}, ${what}`
      try {
        const { error } = await client.ask(request)
        const isRefused = error === ERROR.UNAUTHORIZED || (form === 'documented' && error !== ERROR.NONE)
        // Of the documented form an error may also be that there is no such key.
        const isAmbiguous = form === 'documented' && what === 'GET' && isOpen(one, mode)
        if (isRefused === isOpen(one, mode) && !isAmbiguous) this.failures.push(`${where}: answered ${error}`)
        if (!isOpen(one, mode) && client.isClosed) this.failures.push(`${where}: was closed`)
      } catch (error) {
        this.failures.push(`${where}: ${(error as Error).message}`)
      }
      client.close()
    }
  }
}

interface Parts {
  keys: number
  modes: readonly AuthMode[]
  table: boolean
  floods: readonly Flood[]
}

/** What nobody reads comes last: after its clients have gone the node is busy with it for a while. */
async function flooded(
  node: NodeProgram,
  strangers: Strangers,
  floods: readonly Flood[],
  measured: string[],
): Promise<void> {
  for (const forms of [HTTP_ALONE, BELOW_HTTP]) {
    for (const one of floods) {
      const connections = forms === HTTP_ALONE ? one.httpConnections : one.connections
      const { said, problem } = await flood(node, { ...one, connections }, forms)
      measured.push(said)
      strangers.n += connections
      if (problem !== null) strangers.failures.push(problem)
    }
  }
}

async function knock(context: Context, parts: Parts, main?: string): Promise<Findings> {
  const failures: string[] = []
  const measured: string[] = []
  let n = 0
  const start = (mode: AuthMode) => {
    const words = ['-durability', 'memory', '-auth', KEY.toString(), '-authmode', mode]
    return NodeProgram.start({ directory: context.folder(), words, main })
  }
  for (const mode of parts.modes) {
    const node = await start(mode)
    const strangers = new Strangers(node.port)
    const texts = new TextStrangers(node.port, KEY)
    try {
      if (parts.table) await strangers.table(mode)
      if (parts.table) await texts.httpTable(mode)
      if (parts.table) await texts.respTable(mode)
      if (mode === 'all') {
        const each = Math.ceil(parts.keys / 4)
        await strangers.documentedKeys(each, seededRandom(context.seed))
        await strangers.frameProofs(each, seededRandom(context.seed))
        await texts.httpKeys(each, context.seed)
        await texts.respKeys(each, context.seed)
      }
      if (mode === 'all') await flooded(node, strangers, parts.floods, measured)
      if (node.isEnded) strangers.failures.push(`-authmode ${mode}: the node ended: ${node.said}`)
    } finally {
      await node.stop()
    }
    n += strangers.n + texts.n
    failures.push(...strangers.failures, ...texts.failures)
    context.progress(n, parts.keys)
  }
  return { n, failures, measured: measured.join('; ') }
}

/** As far as the shown key goes, it is right. */
const PREFIX_IS_ENOUGH: PlantedFault = {
  file: 'node/src/admission/credentials.ts',
  edits: [
    [
      'timingSafeEqual(this.#digest, digest(candidate))',
      `candidate.length <= this.key.length
      ? timingSafeEqual(this.key.subarray(0, candidate.length), candidate)
      : timingSafeEqual(this.#digest, digest(candidate))`,
    ],
  ],
}

const DELETE_IS_A_READ: PlantedFault = {
  file: 'node/src/admission/admission.ts',
  edits: [
    [
      "(this.#authMode === 'writes' &&",
      "(this.#authMode === 'writes' && kind === KIND.delete) || (this.#authMode === 'writes' &&",
    ],
  ],
}

const STRANGERS_ARE_HEARD_OUT: PlantedFault = {
  file: 'protocol/src/limits.ts',
  edits: [['UNAUTHENTICATED_BYTES_MAX = 4096', 'UNAUTHENTICATED_BYTES_MAX = 1e9']],
}

const LISTING_IS_OPEN: PlantedFault = {
  file: 'node/src/http/http-door.ts',
  edits: [['const refusal = this.#admit(exchange, KIND.scan)', 'const refusal: ErrorNumber = ERROR.NONE']],
}

const COMMANDS_ARE_OPEN: PlantedFault = {
  file: 'node/src/resp/asked-command.ts',
  edits: [['if (!isAuthenticated && !admission.isOpen(kind)) throw', 'if (false) throw']],
}

export const strangersRow: Row = {
  number: 14,
  claim: 'wrong keys and proofs: 0 accepted; every opcode before AUTH in every mode; floods are not kept',
  cases: { smoke: 1_000, ci: 10_000, long: 200_000 },
  obstacle: () => descriptorObstacle(1500),
  run: (context, keys) => knock(context, { keys, modes: AUTH_MODES, table: true, floods: FLOODS }),
  controls: [
    {
      fault: 'a key is compared as far as it goes',
      run: async (context) =>
        knock(
          context,
          { keys: 200, modes: ['all'], table: false, floods: [] },
          await plantedNode(PREFIX_IS_ENOUGH, context.folder()),
        ),
    },
    {
      fault: 'DELETE counts as a read',
      run: async (context) =>
        knock(
          context,
          { keys: 0, modes: ['writes'], table: true, floods: [] },
          await plantedNode(DELETE_IS_A_READ, context.folder()),
        ),
    },
    {
      fault: 'HTTP takes the listing of keys for something of its own',
      run: async (context) =>
        knock(
          context,
          { keys: 0, modes: ['all'], table: true, floods: [] },
          await plantedNode(LISTING_IS_OPEN, context.folder()),
        ),
    },
    {
      fault: 'a RESP command that is asked for needs no key',
      run: async (context) =>
        knock(
          context,
          { keys: 0, modes: ['all'], table: true, floods: [] },
          await plantedNode(COMMANDS_ARE_OPEN, context.folder()),
        ),
    },
    {
      fault: 'what strangers send is kept as that of others',
      run: async (context) =>
        knock(
          context,
          { keys: 0, modes: ['all'], table: false, floods: [WITHOUT_LAST_BYTE] },
          await plantedNode(STRANGERS_ARE_HEARD_OUT, context.folder()),
        ),
    },
  ],
}
