export { ClockError, type ClockErrorCode } from './clock-error.ts'
export { type ClockOptions, HybridLogicalClock, raisedWriterOf } from './hybrid-logical-clock.ts'
export { MAX_OFFSET_MS } from './limits.ts'
export { compareVersions, readVersion, successor, VERSION_BYTES, Version, writeVersion } from './version.ts'
