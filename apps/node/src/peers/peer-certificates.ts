/**
 * What we show to peers: the certificate that clients see, as a client certificate. The files are read at
 * every dialling, so that renewed ones serve without a word; those that cannot be used leave the ones before.
 */
import { readCertificates, type TlsFiles } from '@minivault/command-line'
import type { PeerSecurity } from './dialling.ts'

export class PeerCertificates {
  readonly #files: TlsFiles
  #last: PeerSecurity

  /** Throws UsageError. */
  constructor(files: TlsFiles) {
    this.#files = files
    this.#last = readCertificates(files)
  }

  get current(): PeerSecurity {
    try {
      this.#last = readCertificates(this.#files)
    } catch {
      // Whoever was told to read them again has said what is wrong.
    }
    return this.#last
  }
}
