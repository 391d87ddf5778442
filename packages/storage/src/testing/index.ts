export { contentLines } from './contents.ts'
export { type ContractTest, noise } from './contract-run.ts'
export {
  fileLines,
  GOLDEN_DIGEST_SUFFIX,
  GOLDEN_NOW_MS,
  type GoldenFolder,
  goldenFolders,
  goldenText,
} from './golden.ts'
export { MemoryStore } from './memory-store.ts'
export type { SimpleDoor, SimpleScan, SimpleStream } from './simple-door.ts'
export {
  type ContractHost,
  type ContractOptions,
  storeContract,
} from './store-contract.ts'
