/**
 * Three replicas, asked by hand. A replica answers when what it shows is durable: it syncs its log up to
 * there, and no further; while its log stands still, it does not answer.
 *
 *     A,B plain x@10              x under ballot 10, which is its version and its request, too
 *     A accept x@20 for 18        of request 18; write-back, hint, repair in the same way
 *     A accept x@30/10            x again under ballot 30, its version still 10
 *     A prepare 20 for 18         for request 18; `attempt 1` its second one; `for a reader`
 *     A read
 *     A power cut                 what was not synced is gone, and so is all that was remembered only
 *     A log stops | A log goes on
 *     A floor 10 | A release      10 stands for every absent key; the tombstone is let go of
 */
import { DURABILITY, type Durability, type Marks, type Replica, ZERO } from '../../src/index.ts'
import { KEY, MemoryLog } from '../../src/testing/index.ts'
import type { Core } from './planted-core.ts'
import type { Stage } from './transcript.ts'
import { readRecord, readVersion, writtenPromise, writtenRecord, writtenVerdict } from './words.ts'

const LEDGER_ENTRIES = 64
const READER = 'a reader'

export class ReplicaStage implements Stage {
  readonly #replicas = new Map<string, ScriptedReplica>()

  constructor(core: Core) {
    for (const name of ['A', 'B', 'C']) this.#replicas.set(name, new ScriptedReplica(core))
  }

  run(command: string): string {
    const [names, rest] = split(command)
    const answers = names.split(',').map((name) => [name, this.#of(name).run(rest)] as const)
    const [[, first]] = answers as [[string, string]]
    if (answers.every(([, answer]) => answer === first)) return first
    return answers.map(([name, answer]) => `${name} ${answer}`).join('; ')
  }

  #of(name: string): ScriptedReplica {
    const replica = this.#replicas.get(name)
    if (replica === undefined) throw new Error(`no replica \`${name}\``)
    return replica
  }
}

class ScriptedReplica {
  readonly #core: Core
  readonly #log = new MemoryLog()
  #replica: Replica
  #marks!: Marks
  #isLogStopped = false
  /** Answers that wait for the log. */
  #waiting: { readonly position: number; readonly answer: string }[] = []

  constructor(core: Core) {
    this.#core = core
    this.#replica = this.#started()
  }

  run(command: string): string {
    const [verb, rest] = split(command)
    switch (verb) {
      case 'prepare':
        return this.#prepare(rest)
      case 'read':
        return this.#read()
      case 'power':
        return this.#powerCut()
      case 'log':
        return rest === 'stops' ? this.#stopLog() : this.#startLog()
      case 'floor':
        this.#log.sync(
          this.#marks.note({ kind: 'floor', ...KEY, upTo: readVersion(rest), expiredBeforeMs: 0 }),
        )
        return 'durable'
      case 'release':
        return this.#replica.release(KEY) ? 'released' : 'has to stay'
      default:
        return this.#offer(verb, rest)
    }
  }

  #offer(cause: string, words: string): string {
    if (!/^(plain|accept|write-back|hint|repair)$/.test(cause)) throw new Error(`no cause \`${cause}\``)
    const [, record, request] = matched(/^(\S+)(?: for (\S+))?$/, words)
    const offered = readRecord(record!, request === undefined ? null : readVersion(request))
    const taken = this.#replica.offer(KEY, offered, DURABILITY.fsync)
    const isHeld = taken.verdict === this.#core.VERDICT.held
    return this.#answer(isHeld ? taken.position : 0, DURABILITY.fsync, writtenVerdict(taken.verdict))
  }

  #prepare(words: string): string {
    const [, ballot, request, attempt] = matched(/^(\S+) for (a reader|\S+)(?: attempt (\d))?$/, words)
    const asker = request === READER ? ZERO : readVersion(request!)
    const promise = this.#replica.prepare(KEY, readVersion(ballot!), asker, Number(attempt ?? 0))
    return this.#answer(promise.position, DURABILITY.fsync, writtenPromise(promise, asker))
  }

  #read(): string {
    const { record, position, durability } = this.#replica.read(KEY, true)
    return this.#answer(position, durability, writtenRecord(record))
  }

  #answer(position: number, durability: Durability, answer: string): string {
    if (position > this.#log.durableUpTo(durability)) {
      if (this.#isLogStopped) {
        this.#waiting.push({ position, answer })
        return 'no answer yet'
      }
      this.#log.sync(position)
    }
    return answer
  }

  #stopLog(): string {
    this.#isLogStopped = true
    return 'stands'
  }

  #startLog(): string {
    this.#isLogStopped = false
    this.#log.sync()
    const answers = this.#waiting.splice(0).map(({ answer }) => answer)
    return answers.join(', ') || 'synced'
  }

  #powerCut(): string {
    this.#log.powerCut()
    this.#waiting = []
    this.#isLogStopped = false
    this.#replica = this.#started()
    return 'started again'
  }

  #started(): Replica {
    const ledger = new this.#core.Ledger(this.#log.highestBallot, LEDGER_ENTRIES)
    this.#marks = new this.#core.Marks(this.#log)
    return new this.#core.Replica(this.#log, ledger, new this.#core.Trees(), this.#marks)
  }
}

function split(command: string): [string, string] {
  const [first, ...rest] = command.split(/ +/)
  return [first!, rest.join(' ')]
}

function matched(pattern: RegExp, words: string): RegExpExecArray {
  const match = pattern.exec(words)
  if (match === null) throw new Error(`\`${words}\` is not understood`)
  return match
}
