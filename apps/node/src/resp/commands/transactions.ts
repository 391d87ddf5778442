/**
 * MULTI, EXEC, DISCARD, WATCH, UNWATCH. The session queues what comes between; EXEC runs it on keys of its
 * own, and lets all of it take effect in one moment (keys.ts). A command that fails while it runs has changed
 * nothing, and the others take effect all the same, as in Redis.
 */
import { Version } from '@minivault/clock'
import type { BatchCondition } from '../../key-value.ts'
import { ARGUMENT_BYTES, WATCHED_BYTES_MAX } from '../../limits.ts'
import { type Command, type CommandContext, CommandError, OK, type Reply, type Told } from '../command.ts'
import type { Keys } from '../keys.ts'
import { Late, replayed } from '../late.ts'
import { committed } from '../on-keys.ts'
import type { QueuedCommand, Transaction } from '../session-state.ts'
import { textOf } from './words.ts'

const TOO_MANY_WATCHED =
  `ERR a connection watches at most ${WATCHED_BYTES_MAX} bytes of keys, ` +
  `${ARGUMENT_BYTES} more counted for each`

export const transactionCommands: readonly Command[] = [
  {
    name: 'multi',
    arity: 1,
    kind: 'connection',
    flags: ['fast'],
    isImmediate: true,
    summary: 'Begins a transaction',
    run({ session }) {
      if (session.transaction !== null) throw new CommandError('ERR MULTI calls can not be nested')
      session.transaction = { queued: [], isRefused: false, bytes: 0 }
      return OK
    },
  },
  {
    name: 'exec',
    arity: 1,
    kind: 'connection',
    isImmediate: true,
    summary: 'Carries out a transaction: all of it, or nothing',
    run(context) {
      const { session } = context
      const { transaction, watched } = session
      if (transaction === null) throw new CommandError('ERR EXEC without MULTI')
      session.transaction = null
      session.watched = null
      if (transaction.isRefused) {
        throw new CommandError('EXECABORT Transaction discarded because of previous errors.')
      }
      return carryOut(context, transaction, watched)
    },
  },
  {
    name: 'discard',
    arity: 1,
    kind: 'connection',
    flags: ['fast'],
    isImmediate: true,
    summary: 'Gives up a transaction',
    run({ session }) {
      if (session.transaction === null) throw new CommandError('ERR DISCARD without MULTI')
      session.transaction = null
      session.watched = null
      return OK
    },
  },
  {
    name: 'watch',
    arity: -2,
    kind: 'read',
    keys: { first: 1, last: -1, step: 1 },
    flags: ['fast'],
    isImmediate: true,
    summary: 'Lets the next EXEC do nothing where one of these keys has changed',
    async run({ session, ask }, keys) {
      if (session.transaction !== null) throw new CommandError('ERR WATCH inside MULTI is not allowed')
      const found = await Promise.all(keys.map((key) => ask.find(key)))
      session.watched ??= new Map()
      for (const [at, key] of keys.entries()) {
        const name = textOf(key)
        if (session.watched.has(name)) continue
        const bytes = name.length + ARGUMENT_BYTES
        // No transaction has begun: what the session holds are the keys it watches.
        if (session.held.bytes + bytes > WATCHED_BYTES_MAX) throw new CommandError(TOO_MANY_WATCHED)
        session.held.take(bytes)
        session.watched.set(name, found[at]?.version.toString() ?? '')
      }
      return OK
    },
  },
  {
    name: 'unwatch',
    arity: 1,
    kind: 'connection',
    flags: ['fast'],
    isImmediate: false,
    summary: 'Forgets what WATCH was told',
    run({ session, keys }) {
      // Within EXEC nothing is watched any more.
      if (keys === undefined) session.watched = null
      return OK
    },
  },
]

function carryOut(
  context: CommandContext,
  { queued }: Transaction,
  watched: ReadonlyMap<string, string> | null,
): Told<Reply> {
  const conditions = watched === null ? [] : conditionsOf(watched)
  const stillHold = async () => {
    const found = await Promise.all(conditions.map(({ key }) => context.ask.find(key)))
    return conditions.every(({ version }, at) => version.toString() === versionOf(found[at]?.version))
  }
  const work = (keys: Keys) => runAll({ ...context, keys }, queued)
  const replies = committed<Reply>(context, work, { isTransaction: true, conditions, stillHold })
  return replies instanceof Promise ? replies.then(replyOf) : replyOf(replies)
}

function replyOf(replies: Reply): Reply {
  return replies ?? { noArray: true }
}

/** Where a key is told late, the command that wants it begins again, and none before it. */
function runAll(context: CommandContext, queued: readonly QueuedCommand[]): Told<Reply> {
  const replies: Reply[] = []
  return replayed(() => {
    while (replies.length < queued.length) {
      const { command, args } = queued[replies.length]!
      const reply = runOne(context, command, args)
      if (reply instanceof Promise) throw new Late(reply.then((late) => replies.push(late)))
      replies.push(reply)
    }
    return replies
  })
}

function runOne(context: CommandContext, command: Command, args: readonly Uint8Array[]): Told<Reply> {
  try {
    return command.run(context, args)
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return { error: error.message }
  }
}

function conditionsOf(watched: ReadonlyMap<string, string>): BatchCondition[] {
  return Array.from(watched, ([name, version]) => ({
    key: Buffer.from(name, 'latin1'),
    version: version === '' ? new Version() : Version.parse(version),
  }))
}

function versionOf(version: Version | undefined): string {
  return (version ?? new Version()).toString()
}
