export { fixedPlacement } from './fixed-placement.ts'
export { KEY, MemoryLog } from './memory-log.ts'
