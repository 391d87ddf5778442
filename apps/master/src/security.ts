/** TLS of the master: what its port shows, and its calls to workers, and whom these trust. */
import { createServer, type Server, type ServerOptions } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import { readAuthority, ShownCertificates, type TlsFiles } from '@minivault/command-line'
import type { CallSecurity } from './json-call.ts'
import type { MasterLogger } from './logger.ts'

export interface SecurityFiles {
  /** Null: plain HTTP. */
  readonly tls: TlsFiles | null
  /** The authorities of workers' certificates; null: those that Node knows. */
  readonly caFile: string | null
}

export class Security {
  readonly #shown: ShownCertificates | null
  /** By a master without a certificate of its own. */
  readonly #trusted: CallSecurity | null
  #server: SecureServer | null = null

  /** Throws UsageError. */
  constructor({ tls, caFile }: SecurityFiles, logger: MasterLogger, now: () => number) {
    this.#shown = tls === null ? null : new ShownCertificates(tls, logger, now)
    this.#trusted = caFile === null ? null : { ca: readAuthority(caFile) }
  }

  /** Of calls to workers; null: nothing is shown, and whom Node knows is trusted. */
  get ofCalls(): CallSecurity | null {
    return this.#shown?.current ?? this.#trusted
  }

  async createServer(options: ServerOptions): Promise<Server> {
    if (this.#shown === null) return createServer(options)
    // Only here: a start must not wait for it.
    const https = await import('node:https')
    this.#server = https.createServer({ ...options, ...this.#shown.context })
    return this.#server
  }

  /** Reads the files of the certificate again, for new connections. */
  reload(): void {
    this.#shown?.reload((context) => this.#server?.setSecureContext(context))
  }
}
