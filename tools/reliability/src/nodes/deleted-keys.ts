/**
 * Real members, one of which is away while the others delete, and until long after tombstones may leave. A
 * day of waiting is too long for a test: the program is a copy in which tombstones are old after a second,
 * and which says when it has let go of some.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { CONSISTENCY } from '@minivault/protocol'
import { type PlantedFault, plantedNode } from '../planted-source.ts'
import { deleteMany, type ManyKeys, presentMany, writeMany } from './many-keys.ts'
import { between, SILENT } from './network.ts'
import { isHealed, MEMBERS, ThreeNodes } from './three-nodes.ts'

const KEYS = 100
/** Two keys may share a leaf. */
const LEAVES_MIN = 90
const AGE_MS = 1000
/** Many times the age, and many rounds of the sweep. */
const AWAY_MS = 5000
const RELEASED_WITHIN_MS = 90_000
const BACK_WITHIN_MS = 30_000
const SAID = 'a leaf is released'

const HURRIED: PlantedFault = {
  file: 'node/src/limits.ts',
  edits: [
    ['TOMBSTONE_AGE_MS = 24 * 3_600_000', `TOMBSTONE_AGE_MS = ${AGE_MS}`],
    ['SWEPT_A_TICK = 1024', 'SWEPT_A_TICK = 20_000'],
  ],
}
const SWEEP = 'node/src/cluster/tombstone-sweep.ts'
const TELLING: PlantedFault = {
  file: SWEEP,
  edits: [
    ['upTo, () => {', `upTo, (isReleased) => {\n        if (isReleased) process.stderr.write('${SAID}\\n')`],
  ],
  also: HURRIED,
}
/** What is old goes, whoever is away: many databases do that. */
const BY_AGE: PlantedFault = {
  file: SWEEP,
  edits: [
    ['#isOurs(): boolean {', '#isOurs(): boolean {\n    if (this.#parts.self >= 0) return true'],
    [
      'hasOld ||= record.value === null || isGone',
      'if (record.value === null || isGone) replica.release(key)',
    ],
  ],
  also: HURRIED,
}

export function hurriedNode(folder: string): Promise<string> {
  return plantedNode(TELLING, folder)
}

export function forgettingNode(folder: string): Promise<string> {
  return plantedNode(BY_AGE, folder)
}

/** How a member is away. */
export type Absence = 'dead' | 'cut off'

export class DeletedKeys {
  readonly #nodes: ThreeNodes
  readonly #absence: Absence
  readonly #away = 2

  static async start(folder: string, main: string, absence: Absence): Promise<DeletedKeys> {
    return new DeletedKeys(await ThreeNodes.start({ folder, main }), absence)
  }

  private constructor(nodes: ThreeNodes, absence: Absence) {
    this.#nodes = nodes
    this.#absence = absence
  }

  close(): Promise<void> {
    return this.#nodes.close()
  }

  /** Null: they stay deleted. */
  async comesBack(): Promise<string | null> {
    const nodes = this.#nodes
    const keys: ManyKeys = { port: nodes.portOf(0), count: KEYS, prefix: this.#absence }
    if ((await writeMany(keys)).length < KEYS) return 'not all writes were acknowledged'
    await nodes.until('all have them', BACK_WITHIN_MS, () => isHealed(nodes))
    await this.#leave()
    if ((await deleteMany(keys)).length < KEYS) return 'not all deletes were acknowledged by two'
    await sleep(AWAY_MS)
    await this.#return()
    return this.#present(keys, 'when it is back')
  }

  /** And also when nothing is left of the deletes, and their floors were read from disk. */
  async staysSo(): Promise<string | null> {
    const nodes = this.#nodes
    await nodes.until(
      'the tombstones are gone',
      RELEASED_WITHIN_MS,
      async () => this.#released() >= LEAVES_MIN,
    )
    await nodes.kill(0)
    await nodes.start(0)
    await nodes.voting()
    const keys: ManyKeys = { port: nodes.portOf(0), count: KEYS, prefix: this.#absence }
    return this.#present(keys, 'when the tombstones are gone')
  }

  #released(): number {
    const said = MEMBERS.map((member) => this.#nodes.process(member).said)
    return said.reduce((sum, text) => sum + text.split(SAID).length - 1, 0)
  }

  async #leave(): Promise<void> {
    const { network } = this.#nodes
    if (this.#absence === 'dead') await this.#nodes.kill(this.#away)
    else network.trouble(between([this.#away], [0, 1], SILENT))
  }

  async #return(): Promise<void> {
    const nodes = this.#nodes
    if (this.#absence === 'dead') await nodes.start(this.#away)
    else nodes.network.heal()
    await nodes.voting()
    await nodes.until('what it missed is brought', BACK_WITHIN_MS, () => isHealed(nodes))
  }

  async #present(keys: ManyKeys, when: string): Promise<string | null> {
    for (const consistency of [CONSISTENCY.quorum, CONSISTENCY.one]) {
      for (const member of MEMBERS) {
        const { length } = await presentMany({ ...keys, port: this.#nodes.portOf(member), consistency })
        if (length > 0) return `${length} of ${KEYS} deleted keys are at member ${member} ${when}`
      }
    }
    return null
  }
}
