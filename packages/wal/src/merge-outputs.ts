/**
 * The outputs of merge as the log sees them: those being written, which belong to nobody if the log is
 * closed, and those that were taken in. The numbers of the latter may lie above the marks of the log, and yet
 * all of them is durable.
 */
import type { FileSystem } from './file-system.ts'
import { OutputSegment } from './output-segment.ts'
import type { SegmentHeader } from './segment-format.ts'
import type { Segment, SegmentTable } from './segment-table.ts'
import type { Syncer } from './syncer.ts'
import type { WalError } from './wal-error.ts'

export interface MergeOutputsOptions {
  fileSystem: FileSystem
  directory: string
  table: SegmentTable
  syncer: Syncer
  payloadBytesMax: number
  segmentBytesMax: number
}

export class MergeOutputs {
  readonly #options: MergeOutputsOptions
  readonly #finished = new Set<number>()
  readonly #unfinished = new Set<OutputSegment>()
  #drained: (() => void) | null = null

  constructor(options: MergeOutputsOptions) {
    this.#options = options
  }

  /** Whether the segment is an output of this log's life that was taken in. */
  has(segment: number): boolean {
    return this.#finished.has(segment)
  }

  /** The segment leaves the log. */
  drop(segment: number): void {
    this.#finished.delete(segment)
  }

  create(header: SegmentHeader): OutputSegment {
    const { fileSystem, directory, payloadBytesMax, segmentBytesMax } = this.#options
    const owner = {
      fileSystem,
      directory,
      payloadBytesMax,
      segmentBytesMax,
      adopt: this.#adopt,
      forget: this.#forget,
    }
    const output = new OutputSegment(owner, header)
    this.#unfinished.add(output)
    return output
  }

  /** Gives up what is not finished; resolves when the last call to the disk about it is back. */
  async abort(): Promise<void> {
    for (const output of [...this.#unfinished]) output.abort()
    if (this.#unfinished.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve))
  }

  readonly #forget = (ended: OutputSegment): void => {
    this.#unfinished.delete(ended)
    if (this.#unfinished.size === 0) this.#drained?.()
  }

  readonly #adopt = (segment: Segment, done: (error: WalError | null) => void): void => {
    const { table, syncer } = this.#options
    table.add(segment)
    table.markSealed(segment)
    this.#finished.add(segment.number)
    syncer.writeManifest().then(
      () => done(null),
      (error: WalError) => {
        if (!syncer.failed) this.#giveBack(segment)
        done(error)
      },
    )
  }

  /** No manifest lists it, and its sources are still there: it never was. */
  #giveBack(segment: Segment): void {
    this.#finished.delete(segment.number)
    this.#options.table.remove(segment)
    try {
      this.#options.fileSystem.remove(segment.path)
    } catch {
      // The next open removes it.
    }
  }
}
