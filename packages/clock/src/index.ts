export { ClockError, type ClockErrorCode } from './clock-error.ts'
export { type ClockOptions, HybridLogicalClock, raisedWriterOf } from './hybrid-logical-clock.ts'
export { compareVersions, readVersion, successor, VERSION_BYTES, Version, writeVersion } from './version.ts'
