export { type LevelStore, MinivaultLevel, type MinivaultLevelOptions } from './minivault-level.ts'
