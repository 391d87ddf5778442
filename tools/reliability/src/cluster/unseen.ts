/**
 * A core of which nobody reads once the last fault is over: a read brings what differs to whoever it asks,
 * and so hides whether members that compare do.
 */
import type { ClusterPackage, Observer } from '@minivault/simulator'

export interface Unseen {
  readonly cluster: ClusterPackage
  readonly observer: Observer
}

export function unseen(cluster: ClusterPackage): Unseen {
  let isCalm = false
  class NodeCore extends cluster.NodeCore {
    override ask(...asked: Parameters<InstanceType<ClusterPackage['NodeCore']>['ask']>): void {
      if (!isCalm) super.ask(...asked)
    }
  }
  const onEvent = (text: string) => {
    if (text === CALM) isCalm = true
  }
  const nothing = () => {}
  const observer = {
    onStart: nothing,
    onAsk: nothing,
    onSend: nothing,
    onMessage: nothing,
    onAnswer: nothing,
  }
  return { cluster: { ...cluster, NodeCore }, observer: { ...observer, onCrash: nothing, onEvent } }
}

/** What the simulator says of it. */
const CALM = 'no more faults'
