/** Which stage a scenario is played on: its folder says so. */
import { layoutsApart, layoutsOf, layoutsOfRegions, tableApart, tableOfRegions } from './layouts-of.ts'
import { NodeStage } from './node-stage.ts'
import { ReplicaStage } from './replica-stage.ts'
import type { StageOf } from './transcript.ts'

export const STAGES: Readonly<Record<string, StageOf>> = {
  nodes: (core) => new NodeStage(core),
  layouts: (core) => new NodeStage(core, (node) => layoutsOf(core, node)),
  apart: (core) => new NodeStage(core, (node) => layoutsApart(core, node), tableApart),
  regions: (core) => new NodeStage(core, (node) => layoutsOfRegions(core, node), tableOfRegions),
  replicas: (core) => new ReplicaStage(core),
}
