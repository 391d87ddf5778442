/** Everything that was asked, answered and written in a run; for the judges. */
import { type HeldRecord, isAbove, isAbsent, type Version, ZERO } from '@minivault/cluster'
import { Operation, type OperationStart, type Written } from './operation.ts'

export class History {
  readonly operations: Operation[] = []
  /** By key and the text of the version, which is unique on its key. */
  readonly #written = new Map<string, Written>()
  readonly #releases: { readonly key: number; readonly floor: Version; readonly version: Version }[] = []

  begin(start: Omit<OperationStart, 'id'>): Operation {
    const operation = new Operation({ id: this.operations.length + 1, ...start })
    this.operations.push(operation)
    return operation
  }

  note(written: Written, current: HeldRecord): void {
    const { operation, predecessor } = written
    const meant = predecessor === null ? null : this.identify(operation.start.key, current)
    this.#written.set(nameOf(operation.start.key, written.version), { ...written, predecessor: meant })
  }

  /** All that was written for a key, chosen or not. */
  allWritten(key: number): Written[] {
    return [...this.#written.values()].filter(({ operation }) => operation.start.key === key)
  }

  writtenOf(key: number, version: Version): Written | undefined {
    return this.#written.get(nameOf(key, version))
  }

  /** A tombstone was taken away: what is absent at this floor, or above it, is that version. */
  noteRelease(key: number, { ballot, version }: HeldRecord): void {
    this.#releases.push({ key, floor: ballot, version })
  }

  /** The version that an answer shows; an absence stands for the last tombstone that its floor covers. */
  identify(key: number, record: HeldRecord): Version {
    if (!isAbsent(record) || record.ballot.isZero()) return record.version
    let newest = ZERO
    for (const one of this.#releases) {
      const isCovered = one.key === key && !isAbove(one.floor, record.ballot)
      if (isCovered && isAbove(one.version, newest)) newest = one.version
    }
    return newest
  }
}

function nameOf(key: number, version: Version): string {
  return `${key}@${version}`
}
