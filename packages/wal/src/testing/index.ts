export { ManualScheduler } from './manual-scheduler.ts'
export { SECTOR_BYTES, seededRandom } from './memory-disk.ts'
export { type MemoryFault, MemoryFileSystem } from './memory-file-system.ts'
