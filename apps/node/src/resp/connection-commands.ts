/** The commands that speak of the connection itself: AUTH, HELLO, PING, ECHO, SELECT, RESET, QUIT. */
import { KIND } from '../key-value.ts'
import { clientCommand, clientName } from './client-command.ts'
import { type Command, type CommandContext, CommandError, OK, type Reply } from './command.ts'
import { REDIS_VERSION } from './commands/redis-version.ts'
import { shownOf, textOf, wordOf, wrongArity } from './commands/words.ts'

const DEFAULT_USER = 'default'
const WRONG_PASS = 'WRONGPASS invalid username-password pair or user is disabled.'
const NO_PASSWORD =
  'ERR AUTH <password> called without any password configured for the default user. ' +
  'Are you sure your configuration is correct?'
const HELLO_FIRST =
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> ' +
  'AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version ' +
  'at the same time'

export const connectionCommands: readonly Command[] = [
  {
    name: 'auth',
    arity: -2,
    kind: 'connection',
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    isForStrangers: true,
    summary: 'Authenticates the connection',
    run: auth,
  },
  {
    name: 'hello',
    arity: -1,
    kind: 'connection',
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    isForStrangers: true,
    summary: 'Handshakes with the server',
    run: hello,
  },
  {
    name: 'ping',
    arity: -1,
    kind: 'connection',
    flags: ['fast'],
    summary: "Returns the server's liveliness response",
    run(_context, args) {
      if (args.length > 1) throw wrongArity('ping')
      return args[0] ?? { simple: 'PONG' }
    },
  },
  {
    name: 'echo',
    arity: 2,
    kind: 'connection',
    flags: ['loading', 'stale', 'fast'],
    summary: 'Returns the given string',
    run: (_context, [text]) => text!,
  },
  {
    name: 'select',
    arity: 2,
    kind: 'connection',
    flags: ['loading', 'stale', 'fast'],
    summary: 'Changes the selected database: there is only 0',
    run(_context, [index]) {
      const words = textOf(index!)
      if (!/^-?\d{1,10}$/.test(words)) throw new CommandError('ERR invalid DB index')
      if (Number(words) !== 0) throw new CommandError('ERR DB index is out of range')
      return OK
    },
  },
  clientCommand,
  {
    name: 'reset',
    arity: 1,
    kind: 'connection',
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    isForStrangers: true,
    isImmediate: true,
    summary: 'Resets the connection',
    run({ session }) {
      session.reset()
      return { simple: 'RESET' }
    },
  },
  {
    name: 'quit',
    arity: -1,
    kind: 'connection',
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    isForStrangers: true,
    isImmediate: true,
    summary: 'Closes the connection',
    run({ session }) {
      session.isClosing = true
      return OK
    },
  },
]

function auth(context: CommandContext, args: readonly Uint8Array[]): Reply {
  if (args.length > 2) throw new CommandError('ERR syntax error')
  if (args.length === 1 && context.admission.credentials === null) throw new CommandError(NO_PASSWORD)
  const [user, key] = args.length === 1 ? [DEFAULT_USER, args[0]!] : [textOf(args[0]!), args[1]!]
  authenticate(context, user, key)
  return OK
}

function authenticate({ admission, session }: CommandContext, user: string, key: Uint8Array): void {
  const { credentials } = admission
  // Without a key any is right, as on the other doors.
  const isRight = user === DEFAULT_USER && (credentials === null || credentials.matches(key))
  if (!isRight) throw new CommandError(WRONG_PASS)
  session.isAuthenticated = true
}

/** HELLO [version [AUTH user key] [SETNAME name]]: all of it or nothing. */
function hello(context: CommandContext, args: readonly Uint8Array[]): Reply {
  const { session, admission } = context
  const [version, ...options] = args
  let name: string | null = null
  let login: readonly Uint8Array[] | null = null
  const respVersion = version === undefined ? session.respVersion : versionOf(textOf(version))
  for (let at = 0; at < options.length; ) {
    const option = wordOf(options[at]!)
    if (option === 'AUTH' && at + 2 < options.length) {
      login = options.slice(at + 1, at + 3)
      at += 3
    } else if (option === 'SETNAME' && at + 1 < options.length) {
      name = clientName(options[at + 1]!)
      at += 2
    } else {
      throw new CommandError(`ERR Syntax error in HELLO option '${shownOf(options[at]!)}'`)
    }
  }
  if (login !== null) authenticate(context, textOf(login[0]!), login[1]!)
  const isKnown = session.isAuthenticated || admission.credentials === null
  if (!isKnown && !admission.isOpen(KIND.get)) throw new CommandError(HELLO_FIRST)
  session.respVersion = respVersion
  if (name !== null) session.name = name
  return greeting(context)
}

function versionOf(text: string): 2 | 3 {
  if (!/^\d{1,10}$/.test(text)) {
    throw new CommandError('ERR Protocol version is not an integer or out of range')
  }
  if (text === '2') return 2
  if (text === '3') return 3
  throw new CommandError('NOPROTO unsupported protocol version')
}

function greeting({ session }: CommandContext): Reply {
  return {
    map: [
      ['server', 'redis'],
      ['version', REDIS_VERSION],
      ['proto', session.respVersion],
      ['id', session.id],
      ['mode', 'standalone'],
      ['role', 'master'],
      ['modules', []],
    ],
  }
}
