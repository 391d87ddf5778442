/**
 * A command of the table on its way: looked up, judged, its arguments copied, run, its reply prepared. What
 * is refused within MULTI makes EXEC refuse all.
 */
import { cloneBytes } from '@minivault/codec'
import { ERROR, ProtocolError, type RespRequest } from '@minivault/protocol'
import { KIND, type Kind } from '../key-value.ts'
import {
  ARGUMENT_BYTES,
  OPERATION_TIMEOUT_MS,
  TRANSACTION_BYTES_MAX,
  TRANSACTION_COMMANDS_MAX,
} from '../limits.ts'
import { type Command, type CommandContext, CommandError, type Reply } from './command.ts'
import { shownOf, textOf } from './commands/words.ts'
import { HeldValues } from './held-values.ts'
import type { RespGateway } from './resp-gateway.ts'
import { errorLine } from './resp-output.ts'
import type { SessionState } from './session-state.ts'

const NAME_BYTES_MAX = 32
/** Of the arguments of a command that is unknown, in its error line. */
const SHOWN_BYTES_MAX = 128
const QUEUED: Reply = { simple: 'QUEUED' }

export class AskedCommands {
  readonly #gateway: RespGateway
  readonly #state: SessionState

  constructor(gateway: RespGateway, state: SessionState) {
    this.#gateway = gateway
    this.#state = state
  }

  /** The command that a request names. `start` is where the request begins. */
  find(bytes: Uint8Array, start: number, request: RespRequest): Command | undefined {
    const from = start + request.starts[0]!
    const end = start + request.ends[0]!
    if (end - from > NAME_BYTES_MAX) return undefined
    return this.#gateway.commands.get(textOf(bytes.subarray(from, end)).toLowerCase())
  }

  /** Its reply, or that of why not. Never throws, never rejects. */
  run(bytes: Uint8Array, start: number, request: RespRequest): Reply | Promise<Reply> {
    const copies = new HeldValues(this.#gateway.session.held)
    try {
      const command = this.#admit(bytes, start, request)
      const atHand = this.#readAtHand(command, bytes, start, request)
      if (atHand !== null) return atHand
      copies.take(bytesOf(request))
      const reply = this.#begin(command, copyArguments(bytes, start, request), bytesOf(request))
      if (reply instanceof Promise) return reply.catch(replyOf).finally(() => this.#end(copies))
      this.#end(copies)
      return reply
    } catch (error) {
      this.#end(copies)
      const { transaction } = this.#state
      if (transaction !== null) transaction.isRefused = true
      return replyOf(error)
    }
  }

  #end(copies: HeldValues): void {
    copies.release()
    const { transaction, watched, held } = this.#state
    const isOver = !this.#gateway.sessions.has(this.#state)
    if (isOver || (transaction === null && watched === null)) held.release()
  }

  #admit(bytes: Uint8Array, start: number, request: RespRequest): Command {
    const { admission } = this.#gateway.session
    const { isAuthenticated } = this.#state
    const command = this.find(bytes, start, request)
    if (command === undefined) throw new CommandError(unknownWords(bytes, start, request))
    const { arity, name } = command
    if (arity > 0 ? request.count !== arity : request.count < -arity) {
      throw new CommandError(`ERR wrong number of arguments for '${name}' command`)
    }
    if (command.isForStrangers) return command
    const kind = kindOf(command)
    if (!isAuthenticated && !admission.isOpen(kind)) throw new CommandError(errorLine(ERROR.UNAUTHORIZED))
    if (command.kind !== 'connection') {
      const error = admission.refuse(kind, isAuthenticated)
      if (error !== ERROR.NONE) throw new CommandError(errorLine(error))
      admission.charge(keyCount(command, request.count) - 1)
    }
    return command
  }

  #readAtHand({ name }: Command, bytes: Uint8Array, start: number, request: RespRequest): Reply | null {
    const state = this.#state
    if (name !== 'mget' || state.transaction !== null || this.#gateway.ask.isCluster) return null
    state.lastCommand = name
    return this.#gateway.values.read(bytes, start, request, state.respVersion)
  }

  #begin(command: Command, args: readonly Uint8Array[], bytes: number): Reply | Promise<Reply> {
    const state = this.#state
    state.lastCommand = command.name
    if (state.transaction === null || command.isImmediate) {
      try {
        return command.run(this.#context(), args)
      } catch (error) {
        return replyOf(error)
      }
    }
    const { queued } = state.transaction
    const total = state.transaction.bytes + bytes
    if (queued.length >= TRANSACTION_COMMANDS_MAX || total > TRANSACTION_BYTES_MAX) {
      const most = `${TRANSACTION_COMMANDS_MAX} commands and ${TRANSACTION_BYTES_MAX} bytes`
      throw new CommandError(`ERR a transaction has at most ${most}`)
    }
    state.held.take(bytes)
    queued.push({ command, args })
    state.transaction.bytes = total
    return QUEUED
  }

  #context(): CommandContext {
    const { ask, commands, sessions, session } = this.#gateway
    const node = this.#gateway.node()
    const { admission, now } = session
    const endMs = now() + OPERATION_TIMEOUT_MS
    return { ask, session: this.#state, commands, admission, node, sessions, endMs, now }
  }
}

export function kindOf(command: Command): Kind {
  return command.kind === 'write' ? KIND.set : KIND.get
}

/** At least one. */
function keyCount({ keys }: Command, count: number): number {
  if (keys === undefined) return 1
  const last = keys.last < 0 ? count + keys.last : keys.last
  return Math.max(1, Math.floor((last - keys.first) / keys.step) + 1)
}

/** What the copies of its arguments take. */
function bytesOf({ starts, ends, count }: RespRequest): number {
  return count === 0 ? 0 : ends[count - 1]! - starts[0]! + count * ARGUMENT_BYTES
}

/** All but the name. */
function copyArguments(bytes: Uint8Array, start: number, request: RespRequest): Uint8Array[] {
  const { starts, ends, count } = request
  const args: Uint8Array[] = []
  if (count < 2) return args
  const from = starts[1]!
  const copy = cloneBytes(bytes, start + from, start + ends[count - 1]!)
  for (let index = 1; index < count; index++)
    args.push(copy.subarray(starts[index]! - from, ends[index]! - from))
  return args
}

/** As Redis has it. */
function unknownWords(bytes: Uint8Array, start: number, request: RespRequest): string {
  const { starts, ends, count } = request
  const shown = (index: number, bytesMax: number) =>
    shownOf(bytes.subarray(start + starts[index]!, start + ends[index]!), bytesMax)
  let args = ''
  for (let index = 1; index < count && args.length < SHOWN_BYTES_MAX; index++) {
    args += `'${shown(index, SHOWN_BYTES_MAX - args.length)}' `
  }
  return `ERR unknown command '${shown(0, SHOWN_BYTES_MAX)}', with args beginning with: ${args}`
}

export function replyOf(error: unknown): Reply {
  if (error instanceof CommandError) return { error: error.message }
  if (error instanceof ProtocolError) {
    return { error: errorLine(ERROR[error.code], error.message) }
  }
  return { error: `ERR internal error: ${error instanceof Error ? error.message : String(error)}` }
}
