export { fixedPlacement } from './fixed-placement.ts'
export { Glances } from './glances.ts'
export { KEY, MemoryLog } from './memory-log.ts'
