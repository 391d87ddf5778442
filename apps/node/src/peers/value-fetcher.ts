/** Fetches large values of other members, whichever way each is spoken to. */
import type { KeyHash } from '@minivault/codec'
import type { TlsFiles } from '@minivault/command-line'
import type { BlobValue, StreamDoor } from '@minivault/storage'
import { referenceBytes, writeReference } from '../cluster/large/large-value.ts'
import { PEER_DEADLINE_MS, PEER_SWEEP_MS } from '../limits.ts'
import type { Time } from '../time.ts'
import { FrameFetch } from './frame-fetch.ts'
import { HttpFetch } from './http-fetch.ts'
import { headersOf } from './http-headers.ts'
import { PeerCertificates } from './peer-certificates.ts'
import { ValueSink } from './value-sink.ts'

export interface ValueFetcherOptions {
  /** Ours. */
  readonly name: string
  readonly authKey: string | null
  readonly tls: TlsFiles | null
  readonly streams: StreamDoor
  readonly time: Time
}

interface UnderWay {
  readonly fetch: FrameFetch | HttpFetch
  readonly sink: ValueSink
  received: number
  movedAt: number
}

const SIZE_BYTES = 4

export class ValueFetcher {
  readonly #options: ValueFetcherOptions
  readonly #certificates: PeerCertificates | null
  readonly #underWay = new Set<UnderWay>()
  readonly #sweep: unknown

  constructor(options: ValueFetcherOptions) {
    this.#options = options
    this.#certificates = options.tls === null ? null : new PeerCertificates(options.tls)
    this.#sweep = options.time.every(PEER_SWEEP_MS, () => this.#look(options.time.elapsedMs()))
  }

  /** Into a durable file of ours. Rejects with StorageError, or an error that says why it did not come. */
  async fetch(member: string, hash: KeyHash, blob: BlobValue): Promise<BlobValue> {
    const { streams, time } = this.#options
    const sink = new ValueSink(streams, hash, blob.size)
    const fetch = /^https?:/.test(member)
      ? this.#byHttp(member, blob, sink)
      : this.#byFrames(member, blob, sink)
    const underWay = { fetch, sink, received: 0, movedAt: time.elapsedMs() }
    this.#underWay.add(underWay)
    try {
      return await sink.result
    } finally {
      this.#underWay.delete(underWay)
    }
  }

  #byFrames(member: string, blob: BlobValue, sink: ValueSink): FrameFetch {
    const { name: ownName, authKey } = this.#options
    const security = this.#certificates?.current ?? null
    const reference = new Uint8Array(referenceBytes(blob))
    writeReference(blob, reference, 0)
    return new FrameFetch({ member, ownName, authKey, security, reference, bytes: blob.size }, sink)
  }

  #byHttp(member: string, blob: BlobValue, sink: ValueSink): HttpFetch {
    const { name, authKey } = this.#options
    const security = this.#certificates?.current ?? null
    const body = Buffer.alloc(SIZE_BYTES + referenceBytes(blob))
    body.writeUInt32LE(blob.size, 0)
    writeReference(blob, body, SIZE_BYTES)
    return new HttpFetch({ member, headers: headersOf(name, authKey), security, body }, sink)
  }

  /** A peer of which nothing comes is not waited for. */
  #look(elapsedMs: number): void {
    for (const underWay of this.#underWay) {
      const { fetch, sink, received, movedAt } = underWay
      if (sink.received !== received || sink.isFull || sink.missing === 0) {
        underWay.received = sink.received
        underWay.movedAt = elapsedMs
      } else if (elapsedMs - movedAt > PEER_DEADLINE_MS) fetch.fail('nothing came for too long')
    }
  }

  close(): void {
    this.#options.time.cancel(this.#sweep)
    for (const { fetch } of this.#underWay) fetch.fail('this node ends')
  }
}
