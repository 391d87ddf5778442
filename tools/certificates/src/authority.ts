/** Authorities and certificates for tests, made by openssl: for 127.0.0.1 and localhost. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

export interface Pair {
  certFile: string
  keyFile: string
  cert: Buffer
  key: Buffer
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

function openssl(words: string[], cwd: string): void {
  execFileSync('openssl', words, { cwd, stdio: 'pipe' })
}

export class Authority {
  readonly folder: string
  readonly file: string
  readonly pem: Buffer
  #count = 0

  constructor(t: Test, name = 'authority') {
    this.folder = mkdtempSync(join(tmpdir(), 'minivault-certificates-'))
    t.teardown(() => rmSync(this.folder, { recursive: true }))
    this.file = join(this.folder, 'ca.pem')
    openssl(
      ['req', '-x509', ...EC, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', `/CN=${name}`],
      this.folder,
    )
    this.pem = readFileSync(this.file)
  }

  /** @param period two dates such as 20200101000000Z; default: now and for two days */
  issue(name: string, period: [string, string] | null = null): Pair {
    const base = `${name}-${this.#count++}`
    const files = { certFile: join(this.folder, `${base}.pem`), keyFile: join(this.folder, `${base}.key`) }
    const request = ['req', ...EC, '-keyout', files.keyFile, '-out', `${base}.csr`, '-subj', `/CN=${name}`]
    openssl(request, this.folder)
    this.#sign(`${base}.csr`, files.certFile, period)
    return { ...files, cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) }
  }

  #sign(request: string, certFile: string, period: [string, string] | null): void {
    mkdirSync(join(this.folder, 'issued'), { recursive: true })
    writeFileSync(join(this.folder, 'index.txt'), '')
    writeFileSync(
      join(this.folder, 'ca.cnf'),
      [
        '[ca]\ndefault_ca=own',
        '[own]\ndatabase=index.txt\nnew_certs_dir=issued\nrand_serial=yes\ndefault_md=sha256\npolicy=any',
        'certificate=ca.pem\nprivate_key=ca.key\ndefault_days=2\nunique_subject=no\nx509_extensions=leaf',
        '[any]\ncommonName=supplied',
        '[leaf]\nbasicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n',
      ].join('\n'),
    )
    const dates = period === null ? [] : ['-startdate', period[0], '-enddate', period[1]]
    const words = ['ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', request, '-out', certFile, ...dates]
    openssl(words, this.folder)
  }
}
