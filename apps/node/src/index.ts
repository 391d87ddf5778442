export { type Answer, type Complete, type KeyValue, KIND, type Kind, type Operation } from './key-value.ts'
export { type Node, type NodeLogger, type NodeOptions, startNode } from './node.ts'
