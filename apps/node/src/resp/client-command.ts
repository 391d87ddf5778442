/** CLIENT: what a connection is called, and what is known of the others. */
import { CLIENT_NAME_BYTES_MAX } from '../limits.ts'
import { type Command, type CommandContext, CommandError, OK, type Reply } from './command.ts'
import { shownOf, textOf, wordOf, wrongArity } from './commands/words.ts'
import type { SessionState } from './session-state.ts'

type Subcommand = (context: CommandContext, args: readonly Uint8Array[]) => Reply

/** By name: how many arguments there are behind it (negative: at least), and what it does. */
const SUBCOMMANDS: Readonly<Record<string, readonly [arity: number, run: Subcommand]>> = {
  ID: [0, ({ session }) => session.id],
  GETNAME: [0, ({ session }) => (session.name === '' ? null : Buffer.from(session.name, 'latin1'))],
  SETNAME: [1, setName],
  SETINFO: [2, setInfo],
  INFO: [0, (context) => ({ verbatim: `${clientLine(context.session, context)}\n` })],
  LIST: [-1, list],
  // Said of a cache in the client or of eviction, of which there is none here.
  'NO-EVICT': [1, turn],
  'NO-TOUCH': [1, turn],
  TRACKING: [-2, tracking],
  GETREDIR: [0, () => -1],
  REPLY: [1, reply],
}

export const clientCommand: Command = {
  name: 'client',
  arity: -2,
  kind: 'connection',
  flags: ['noscript', 'loading', 'stale'],
  summary: 'Tells and changes what is known of a connection',
  run(context, args) {
    const [word, ...rest] = args
    const name = wordOf(word!)
    const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined
    if (subcommand === undefined) {
      throw new CommandError(
        `ERR unknown subcommand '${shownOf(word!)}'. minivault has no such CLIENT command`,
      )
    }
    const [arity, run] = subcommand
    if (arity >= 0 ? rest.length !== arity : rest.length < -arity - 1) {
      throw wrongArity(`client|${name.toLowerCase()}`)
    }
    return run(context, rest)
  },
}

/** A name as it may stand in a list of clients: printable, without blanks. */
export function clientName(bytes: Uint8Array): string {
  if (bytes.length > CLIENT_NAME_BYTES_MAX) {
    throw new CommandError(`ERR Client names have at most ${CLIENT_NAME_BYTES_MAX} bytes`)
  }
  const name = textOf(bytes)
  if (!/^[!-~]*$/.test(name)) {
    throw new CommandError('ERR Client names cannot contain spaces, newlines or special characters.')
  }
  return name
}

function setName({ session }: CommandContext, [name]: readonly Uint8Array[]): Reply {
  session.name = clientName(name!)
  return OK
}

function setInfo({ session }: CommandContext, [attribute, value]: readonly Uint8Array[]): Reply {
  const word = wordOf(attribute!)
  if (word === 'LIB-NAME') session.libraryName = clientName(value!)
  else if (word === 'LIB-VER') session.libraryVersion = clientName(value!)
  else throw new CommandError(`ERR Unrecognized option '${shownOf(attribute!)}'`)
  return OK
}

function turn(_context: CommandContext, [mode]: readonly Uint8Array[]): Reply {
  if (!/^O(N|FF)$/.test(wordOf(mode!))) throw new CommandError('ERR syntax error')
  return OK
}

function tracking(_context: CommandContext, [mode]: readonly Uint8Array[]): Reply {
  if (wordOf(mode!) === 'OFF') return OK
  throw new CommandError('ERR minivault does not track the keys of clients')
}

function reply(_context: CommandContext, [mode]: readonly Uint8Array[]): Reply {
  if (wordOf(mode!) === 'ON') return OK
  throw new CommandError('ERR minivault answers every command')
}

function list(context: CommandContext, args: readonly Uint8Array[]): Reply {
  const [filter, ...values] = args.map(wordOf)
  let lines = [...context.sessions]
  if (filter === 'ID' && values.length > 0) {
    const wanted = new Set(values.map(Number))
    lines = lines.filter(({ id }) => wanted.has(id))
  } else if (filter === 'TYPE' && values.length === 1) {
    if (values[0] !== 'NORMAL') lines = []
  } else if (filter !== undefined) {
    throw new CommandError('ERR syntax error')
  }
  return { verbatim: lines.map((session) => `${clientLine(session, context)}\n`).join('') }
}

function clientLine(session: SessionState, { now }: CommandContext): string {
  const age = Math.max(0, Math.floor((now() - session.connectedAtMs) / 1000))
  const queued = session.transaction === null ? -1 : session.transaction.queued.length
  const flags = session.transaction === null ? 'N' : 'x'
  return (
    `id=${session.id} name=${session.name} age=${age} flags=${flags} db=0 sub=0 psub=0 multi=${queued} ` +
    `cmd=${session.lastCommand || 'NULL'} user=default ` +
    `lib-name=${session.libraryName} lib-ver=${session.libraryVersion} resp=${session.respVersion}`
  )
}
