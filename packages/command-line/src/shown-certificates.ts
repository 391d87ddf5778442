/**
 * The certificate that a program shows on its ports: from its files at the start, and from the same files
 * again when it is told that they were renewed.
 */
import { constants, randomBytes } from 'node:crypto'
import type { SecureContextOptions } from 'node:tls'
import { type Certificates, readCertificates, type TlsFiles, whyRefused } from './certificates.ts'

const TICKET_KEYS_BYTES = 48

export interface CertificateLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type ServerContext = SecureContextOptions & { ticketKeys: Buffer }

export class ShownCertificates {
  readonly #files: TlsFiles
  readonly #logger: CertificateLogger
  readonly #now: () => number
  #current: Certificates

  /** Throws UsageError. */
  constructor(files: TlsFiles, logger: CertificateLogger, now: () => number) {
    this.#files = files
    this.#logger = logger
    this.#now = now
    this.#current = readCertificates(files)
    this.#warn()
  }

  get current(): Certificates {
    return this.#current
  }

  /** Of a server. */
  get context(): ServerContext {
    return contextOf(this.#current)
  }

  /**
   * Reads the files again. Connections of a server that `use` gives the context to see what is in them from
   * now on, those that are there live on; where the files cannot serve the log says so and everything stays.
   */
  reload(use: (context: ServerContext) => void): void {
    try {
      const certificates = readCertificates(this.#files)
      use(contextOf(certificates))
      this.#current = certificates
      const { subject, validTo } = this.#current
      this.#logger.info({ subject, validTo }, 'certificates read again: new connections see them')
      this.#warn()
    } catch (error) {
      const message = `certificates not read again, the old ones stay: ${(error as Error).message}`
      this.#logger.error({}, message)
    }
  }

  #warn(): void {
    const why = whyRefused(this.#current, this.#now())
    if (why === null) return
    const { subject } = this.#current
    this.#logger.warn({ subject }, `${why}: clients that check it will refuse it`)
  }
}

/** With an authority no session is resumed: a resumed one of TLS 1.3 would count as verified. */
function contextOf({ cert, key, ca }: Certificates): ServerContext {
  const noTickets = ca === undefined ? 0 : constants.SSL_OP_NO_TICKET
  return {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | noTickets,
    // New ones each time: nothing that was agreed upon under other files is resumed.
    ticketKeys: randomBytes(TICKET_KEYS_BYTES),
  }
}
