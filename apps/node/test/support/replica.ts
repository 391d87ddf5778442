/** The port of one replica without any door: operations in, answers out. */
import { Version } from '@minivault/clock'
import { hashKey } from '@minivault/codec'
import { Store } from '@minivault/storage'
import type { Test } from 'tap'
import { type Answer, KIND, type Kind, Operation } from '../../src/key-value.ts'
import { LocalKeyValue } from '../../src/local/local-key-value.ts'
import { temporaryFolder } from './server.ts'

export interface Result {
  outcome: number
  error: number
  version: string
  exists: boolean
  value: string
  sum: bigint
  cursor: string | null
}

/**
 * A store behind the port; `ask` resolves to the answer, `answered` tells whether it came inside `submit`.
 */
export class Replica {
  readonly store: Store
  readonly #local: LocalKeyValue
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #token = 0
  answered = false

  static async open(directory: string, now: () => number = Date.now): Promise<Replica> {
    const waiting: { complete: (token: number, answer: Answer) => void } = { complete: () => {} }
    const local = new LocalKeyValue((token, answer) => waiting.complete(token, answer))
    const store = await Store.open({ directory, listener: local, now })
    local.attach(store)
    const replica = new Replica(store, local)
    waiting.complete = (token, answer) => replica.#waiting.get(token)!(answer)
    return replica
  }

  private constructor(store: Store, local: LocalKeyValue) {
    this.store = store
    this.#local = local
  }

  ask(
    kind: Kind,
    key: string,
    value = '',
    request = new Version(),
    attempt = 0,
    fill: (operation: Operation) => void = () => {},
  ): Promise<Result> {
    const operation = new Operation()
    const keyBytes = Buffer.from(key)
    operation.begin(kind, keyBytes, 0, keyBytes.length, 2)
    hashKey(keyBytes, 0, keyBytes.length, operation.hash)
    const bytes = Buffer.from(value)
    operation.setValue(bytes, 0, bytes.length, 0)
    operation.requestId.copy(request)
    operation.attempt = attempt
    fill(operation)
    const token = this.#token++
    this.answered = false
    const answer = new Promise<Result>((resolve) =>
      this.#waiting.set(token, (answer) => {
        this.answered = true
        resolve({
          outcome: answer.outcome,
          error: answer.error,
          version: answer.version.toString(),
          exists: answer.exists,
          sum: answer.sum,
          cursor: answer.cursor,
          value: Buffer.from(answer.value.subarray(answer.valueStart, answer.valueEnd)).toString(),
        })
      }),
    )
    this.#local.submit(operation, token)
    return answer
  }

  set(key: string, value: string, request?: Version, attempt?: number): Promise<Result> {
    return this.ask(KIND.set, key, value, request, attempt)
  }

  async read(key: string): Promise<string> {
    return (await this.ask(KIND.get, key)).value
  }
}

export async function openReplica(t: Test): Promise<Replica> {
  const replica = await Replica.open(temporaryFolder(t))
  t.teardown(() => replica.store.close())
  return replica
}
