/** What the master tells its log. pino's loggers fit. */
export interface MasterLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const SILENT: MasterLogger = { info: () => {}, warn: () => {}, error: () => {} }
