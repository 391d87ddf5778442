/** What may go wrong where a master brings members together. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const MASTER_FAULTS: readonly Fault[] = [
  {
    name: 'founds-unheard',
    swarm: 'master',
    what: 'who is told with whom to begin makes a cluster before all of them have said that they have none',
    planted: inCore('first-start', [
      ['if (silent.length > 0 && !(foundsAlone', 'if (silent.length > members.length && !(foundsAlone'],
      ['else if (name === founder || foundsAlone)', 'else if (name !== "" || founder)'],
    ]),
  },
  {
    name: 'master-learns-nothing',
    swarm: 'master',
    what: 'a master that has lost its folder does not learn from members which cluster there is',
    planted: {
      file: 'master/src/workers/enrolment.ts',
      edits: [['if (facts.clusterId === null && clusterId !== null) {', "if (clusterId === '') {"]],
    },
  },
  {
    name: 'twin-for-ever',
    swarm: 'master',
    what: 'a worker with a new disk is refused as a twin of the one before it, however long that is silent',
    planted: {
      file: 'master/src/workers/enrolment.ts',
      edits: [
        [
          'other !== null && other.nodeId !== nodeId && workers.isLive(other)',
          'other !== null && other.nodeId !== nodeId',
        ],
      ],
    },
  },
  {
    name: 'waits-for-master',
    swarm: 'master',
    what: 'a member that starts again serves only once the master has answered',
    planted: null,
    clientFault: 'waitsForMaster',
  },
]
