/** Batches of other members: who may send one, and to whom its messages go. */
import {
  BATCH,
  BATCH_VERSION,
  BatchHeader,
  HEADER_ERROR,
  type ListMessage,
  MALFORMED,
  type Message,
  MessageReader,
  readList,
  readStarts,
} from '@minivault/cluster'
import { ERROR } from '@minivault/protocol'
import type { PeerReceiver, PeerRefusal } from '../peers/peer-door.ts'
import { NO_HASH } from './first-steps.ts'
import { FORMS, TABLES } from './forms.ts'
import type { LargeIntake } from './large/large-intake.ts'
import type { Member } from './member.ts'

export interface BatchIntakeParts {
  readonly member: Member
  /** From another member, by its number. */
  readonly onList: (from: number, message: ListMessage) => void
  /** What messages say of large values is fetched before the member hears of it. */
  readonly intake: LargeIntake
  /** Our own member name. */
  readonly name: string
  /** Of the list that we were given; null: lists do not matter any more. */
  readonly membersHash: () => string | null
  /** Of whoever answers at a member's address; empty: nobody has yet. */
  readonly nodeIdAt: (name: string) => string
}

export class BatchIntake implements PeerReceiver {
  readonly #parts: BatchIntakeParts
  readonly #header = new BatchHeader()
  readonly #reader = new MessageReader(FORMS)
  /** Names of those who were given another list of members, by their last batch. */
  readonly differingLists = new Set<string>()
  #from = 0

  constructor(parts: BatchIntakeParts) {
    this.#parts = parts
  }

  take(bytes: Uint8Array, start: number, end: number): PeerRefusal | null {
    const header = this.#header
    const content = header.read(bytes, start, end)
    if (content === HEADER_ERROR.otherVersion) {
      return malformed(
        `its batches are version ${header.version}, ours ${BATCH_VERSION}: update the older of both`,
      )
    }
    if (content < 0) return malformed('its batch cannot be read')
    const refusal = this.#judge()
    if (refusal !== null) return refusal
    this.#compareLists()
    if (header.kind === BATCH.firstStart) return this.#takeStarts(bytes, content, end)
    if (header.kind !== BATCH.messages && header.kind !== BATCH.lists) return UNKNOWN_KIND
    // Whoever asks does so again.
    if (this.#parts.member.belonging === null) return null
    return this.#judgeMember() ?? this.#takeOfMember(bytes, content, end)
  }

  #compareLists(): void {
    const { membersHash: theirs, name } = this.#header
    const ours = this.#parts.membersHash()
    if (ours === null) return this.differingLists.clear()
    const differs = theirs !== ours && theirs !== NO_HASH
    if (differs && this.#parts.member.numberOf(name) >= 0) this.differingLists.add(name)
    else if (this.differingLists.size > 0) this.differingLists.delete(name)
  }

  /** Two that say they are the same: the address belongs to the one that answers there. */
  #judge(): PeerRefusal | null {
    const { name, nodeIdAt } = this.#parts
    const { name: from, nodeId } = this.#header
    if (from === name) return refused(`${name} is this node: two nodes have one -public-url`)
    const there = nodeIdAt(from)
    if (there === '' || there === nodeId) return null
    return refused(`another node answers at ${from}: two nodes have one -public-url`)
  }

  #takeStarts(bytes: Uint8Array, at: number, end: number): PeerRefusal | null {
    const { member } = this.#parts
    const { name } = this.#header
    const count = readStarts(bytes, at, end, TABLES, (message) => member.steps.onMessage(name, message))
    return count < 0 ? malformed('its first words cannot be read') : null
  }

  #judgeMember(): PeerRefusal | null {
    const { member } = this.#parts
    const { name, clusterId } = this.#header
    const ours = member.belonging!.clusterId
    if (clusterId !== ours) return refused(`it is of cluster ${clusterId}, this node of ${ours}`)
    this.#from = member.numberOf(name)
    if (this.#from >= 0) return null
    // It may be one of a later layout, of which those that we know can tell us nothing any more.
    member.steps.onStranger(name)
    return refused(`${name} is not a member of this cluster by the layout that this node has`)
  }

  #takeOfMember(bytes: Uint8Array, at: number, end: number): PeerRefusal | null {
    if (this.#header.kind === BATCH.lists) {
      const list = readList(bytes, at, end)
      if (list === null) return malformed('its list cannot be read')
      this.#parts.onList(this.#from, list)
      return null
    }
    const count = this.#reader.readAll(bytes, at, end, this.#onMessage)
    return count === MALFORMED ? malformed('a message of its batch cannot be read') : null
  }

  readonly #onMessage = (message: Message) => {
    const { member, intake } = this.#parts
    if (!intake.concerns(message)) return member.receive(this.#from, message)
    const from = this.#from
    intake.take(this.#header.name, message, (whole) => member.receive(from, whole))
  }
}

function refused(words: string): PeerRefusal {
  return { error: ERROR.PEER_REFUSED, words }
}

function malformed(words: string): PeerRefusal {
  return { error: ERROR.BAD_REQUEST, words }
}

const UNKNOWN_KIND = malformed('it sends batches of a kind that this version does not know')
