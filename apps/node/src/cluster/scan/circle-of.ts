/** How a member stands with the others, as a scan wants to know it. */
import { latestOf } from '@minivault/cluster'
import type { Member } from '../member.ts'
import type { ScanCircle } from './cluster-scan.ts'

/** Null: it is none yet. */
export function circleOf(member: Member, name: string): ScanCircle | null {
  const { core, layouts } = member
  if (core === null || layouts === null) return null
  const { state } = layouts
  const { peers, isComingBack } = core.status()
  const away = new Set(peers.filter(({ isSuspected }) => isSuspected).map((peer) => peer.member))
  const names = new Set([...state.table.members, ...latestOf(state).members].map((one) => one.name))
  names.delete(name)
  const others = [...names].map((other) => member.numberOf(other)).filter((number) => number >= 0)
  const likely = others.filter((other) => !away.has(other))
  const unlikely = others.filter((other) => away.has(other))
  return {
    self: member.numberOf(name),
    placement: layouts,
    votes: !isComingBack,
    others: [...likely, ...unlikely],
  }
}
