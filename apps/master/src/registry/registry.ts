/**
 * What the master writes down: of which cluster it is the master, with whom that began, the newest layout it
 * heard of, and who has registered. A port: a lone master keeps it in a store of its own. All of it can be
 * learnt again from the workers; it says who they are until they are heard.
 */
import type { Member } from '@minivault/topology'
import type { Founding } from '../messages.ts'

export interface KnownLayout {
  readonly epoch: number
  readonly members: readonly Member[]
  readonly home: string
}

export interface KnownWorker extends Member {
  /** Of its data folder. */
  readonly nodeId: string
  readonly isSecure: boolean
}

export interface RegistryFacts {
  /** Null: no worker has told yet. */
  readonly clusterId: string | null
  /** Null: the cluster began without this master, or has not begun. */
  readonly founding: Founding | null
  readonly layout: KnownLayout | null
  readonly workers: readonly KnownWorker[]
}

export interface Registry {
  /** As written last. */
  readonly facts: RegistryFacts
  /** Durable on return. */
  write(change: Partial<RegistryFacts>): void
}

export const NO_FACTS: RegistryFacts = { clusterId: null, founding: null, layout: null, workers: [] }
