/** CONFIG GET of what clients and tools look at. The node itself is configured by its flags. */
import { DURABILITY, VALUE_BYTES_MAX } from '@minivault/storage'
import { type Command, type CommandContext, CommandError } from '../command.ts'
import { isMatch, patternIn } from './globs.ts'
import { textOf, wordOf } from './words.ts'

const FSYNC = { [DURABILITY.memory]: 'no', [DURABILITY.os]: 'no', [DURABILITY.fsync]: 'always' }

function parametersOf({ node }: CommandContext): Readonly<Record<string, string>> {
  return {
    appendfsync: FSYNC[node.durability],
    appendonly: node.durability === DURABILITY.memory ? 'no' : 'yes',
    databases: '1',
    maxmemory: '0',
    'maxmemory-policy': 'noeviction',
    'proto-max-bulk-len': String(VALUE_BYTES_MAX),
    save: '',
    timeout: '0',
  }
}

export const configCommand: Command = {
  name: 'config',
  arity: -2,
  kind: 'connection',
  summary: 'CONFIG GET: what clients look at',
  run(context, [what, ...patterns]) {
    if (wordOf(what!) !== 'GET') {
      throw new CommandError('ERR only CONFIG GET is served: minivault is configured by its flags')
    }
    if (patterns.length === 0) {
      throw new CommandError("ERR wrong number of arguments for 'config|get' command")
    }
    const lowered = patterns.map((pattern) => Buffer.from(textOf(patternIn(pattern)).toLowerCase()))
    const wanted = Object.entries(parametersOf(context)).filter(([name]) =>
      lowered.some((pattern) => isMatch(pattern, Buffer.from(name))),
    )
    return { map: wanted }
  },
}
