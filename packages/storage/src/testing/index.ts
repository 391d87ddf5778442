export { type ContractTest, noise } from './contract-run.ts'
export { MemoryStore } from './memory-store.ts'
export type { SimpleDoor, SimpleScan, SimpleStream } from './simple-door.ts'
export {
  type ContractHost,
  type ContractOptions,
  storeContract,
} from './store-contract.ts'
