/**
 * What every store must do on its simple door, whatever it is made of: the one list of it, run on the memory
 * store, on the engine, on the engine reopened between the steps.
 */

import type { ContractCases, ContractRun, ContractTest } from './contract-run.ts'
import { scanCases, scanningCases } from './contract-scans.ts'
import { streamCases } from './contract-streams.ts'
import { closingCases, valueCases } from './contract-values.ts'
import { batchCases, conditionCases, expiryCases, incrementCases } from './contract-writes.ts'
import type { SimpleDoor } from './simple-door.ts'

/** What gives out a `t` for each case: `test(name, body)`. */
export interface ContractHost {
  test(...named: never[]): unknown
}

const CASES: ContractCases = {
  ...valueCases,
  ...conditionCases,
  ...expiryCases,
  ...incrementCases,
  ...batchCases,
  ...scanCases,
  ...scanningCases,
  ...streamCases,
  ...closingCases,
}

/** Where the suite's clock starts, in wall milliseconds. */
const START_MS = 1_800_000_000_000

export interface ContractOptions {
  /** Closes the store and opens the same data again, with the same clock. */
  reopen?: (store: SimpleDoor, now: () => number) => Promise<SimpleDoor>
}

/** `open` gives an empty store that knows no other wall clock than `now`; the suite closes it. */
export function storeContract(
  host: ContractHost,
  open: (now: () => number) => Promise<SimpleDoor>,
  options: ContractOptions = {},
): void {
  const test = host.test as (name: string, body: (t: ContractTest) => Promise<void>) => unknown
  for (const [name, body] of Object.entries(CASES)) {
    test.call(host, name, async (t) => {
      const now = () => run.nowMs
      const run = {
        nowMs: START_MS,
        async reopen() {
          if (options.reopen !== undefined) run.store = await options.reopen(run.store, now)
        },
      } as ContractRun
      run.store = await open(now)
      try {
        await body(t, run)
      } finally {
        await run.store.close()
      }
    })
  }
}
