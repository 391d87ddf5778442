/** How a member finds another one, as health tells it. */
export interface LinkStatus {
  readonly isConnected: boolean
  /** Of whoever answers at that address; empty: nobody has. */
  readonly nodeId: string
  /** Why it is not connected, or was not the last time; empty: it always was. */
  readonly lastError: string
  /** Why the peer refuses what we send; empty: it took the last batch. */
  readonly refusal: string
  /** The peer's clock against ours; null: not known. */
  readonly offsetMs: number | null
  /** So far it is certainly off: how long answers take is no doubt about a clock. */
  readonly offsetMsAtLeast: number | null
  readonly roundTripMs: number
  /** Bytes that wait here, or that the peer does not take. */
  readonly unsentBytes: number
  /** Messages that did not leave, or whose batch was not answered or refused. */
  readonly dropped: number
}
