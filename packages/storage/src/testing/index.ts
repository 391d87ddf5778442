export { MemoryStore } from './memory-store.ts'
export {
  type ContractHost,
  type ContractOptions,
  type ContractTest,
  noise,
  type SimpleDoor,
  storeContract,
} from './store-contract.ts'
