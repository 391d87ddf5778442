/**
 * Clients that have nothing to do with it: a few connections of another process that read and write small
 * values all the time. What they are made to wait is what others suffer by.
 */
import { Crowd } from './crowd.ts'

const CONNECTIONS = 4
const SLICE_MS = 250
const PAUSE_MS = 1

export interface Suffered {
  /** The longest wait for an answer, and the p99 of the median slice, in milliseconds. */
  max: number
  p99: number
  count: number
  failed: number
}

export class Bystander {
  readonly #crowd = new Crowd()
  readonly #port: number

  private constructor(port: number) {
    this.#port = port
  }

  static async at(port: number): Promise<Bystander> {
    const bystander = new Bystander(port)
    await bystander.#slice()
    return bystander
  }

  /** What they suffered while `body` ran; its first slice is not begun before they are at it. */
  async during<T>(body: () => Promise<T>): Promise<{ result: T; suffered: Suffered }> {
    const suffered: Suffered = { max: 0, p99: 0, count: 0, failed: 0 }
    const p99s: number[] = []
    let isOver = false
    const watching = (async () => {
      do {
        const { max, p99, count, failed } = await this.#slice()
        suffered.max = Math.max(suffered.max, max)
        p99s.push(p99)
        suffered.count += count
        suffered.failed += failed
      } while (!isOver)
      suffered.p99 = p99s.sort((a, b) => a - b)[p99s.length >> 1]!
    })()
    try {
      return { result: await body(), suffered }
    } finally {
      isOver = true
      await watching
    }
  }

  end(): void {
    this.#crowd.end()
  }

  #slice() {
    return this.#crowd.measure(this.#port, 'documented', CONNECTIONS, SLICE_MS, PAUSE_MS)
  }
}
