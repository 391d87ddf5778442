/** What can go wrong with members and layouts. The README says when each code happens and what to do. */
export type TopologyErrorCode =
  | 'TOPOLOGY_BAD_NAME'
  | 'TOPOLOGY_BAD_MEMBER'
  | 'TOPOLOGY_BAD_MEMBERS'
  | 'TOPOLOGY_BAD_REPLICAS'
  | 'TOPOLOGY_BAD_EPOCH'
  | 'TOPOLOGY_BAD_LAYOUT'
  | 'TOPOLOGY_NO_REGION'

export class TopologyError extends Error {
  override readonly name = 'TopologyError'
  readonly code: TopologyErrorCode

  constructor(code: TopologyErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
