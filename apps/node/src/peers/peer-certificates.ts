/**
 * What we show to peers: the certificate that clients see, as a client certificate. The files are read at
 * every dialling, so that renewed ones serve without a word; those that cannot be used leave the ones before.
 */
import type { TlsFiles } from '../settings/settings.ts'
import { readCertificates } from '../tls/certificates.ts'
import type { PeerSecurity } from './dialling.ts'

export class PeerCertificates {
  readonly #files: TlsFiles
  #last: PeerSecurity

  /** Throws CertificateError. */
  constructor(files: TlsFiles) {
    this.#files = files
    this.#last = securityIn(files)
  }

  get current(): PeerSecurity {
    try {
      this.#last = securityIn(this.#files)
    } catch {
      // Whoever was told to read them again has said what is wrong.
    }
    return this.#last
  }
}

function securityIn(files: TlsFiles): PeerSecurity {
  const { cert, key, ca } = readCertificates(files)
  return { cert, key, ca: ca ?? undefined }
}
