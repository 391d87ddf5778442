/**
 * The files of `-tls-cert`, `-tls-key` and `-tls-ca`: read, and checked as far as that can be done without a
 * client. Whatever is wrong with them is one line that names the flag, the file and the way out, since it is
 * read by whoever typed the command line or renewed the files.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { readBytes } from './files.ts'
import { UsageError } from './usage-error.ts'

/** In PEM form. */
export interface TlsFiles {
  certFile: string
  keyFile: string
  /** The authorities of the other side's certificates; null: none was given. */
  caFile: string | null
}

/** What is in the files. */
export interface Certificates {
  cert: Buffer
  key: Buffer
  ca: Buffer | undefined
  /** Of the first certificate of the file, which is the program's own. */
  subject: string
  validFrom: Date
  validTo: Date
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Throws UsageError. */
export function readCertificates({ certFile, keyFile, caFile }: TlsFiles): Certificates {
  const cert = read('-tls-cert', certFile)
  const key = read('-tls-key', keyFile)
  const ca = caFile === null ? undefined : readAuthority(caFile)
  const [own] = certificatesIn(cert, '-tls-cert', certFile)
  if (!own!.checkPrivateKey(privateKeyIn(key, keyFile))) {
    throw new UsageError(
      `-tls-key ${keyFile} is not the key of the certificate in -tls-cert ${certFile}: give the pair that ` +
        'was issued together',
    )
  }
  try {
    createSecureContext({ cert, key, ...(ca === undefined ? {} : { ca }) })
  } catch (error) {
    throw new UsageError(`-tls-cert ${certFile} cannot be used: ${(error as Error).message}`)
  }
  const validFrom = new Date(own!.validFrom)
  return { cert, key, ca, subject: nameOf(own!), validFrom, validTo: new Date(own!.validTo) }
}

/** Of `-tls-ca` alone. Throws UsageError. */
export function readAuthority(caFile: string): Buffer {
  const ca = read('-tls-ca', caFile)
  certificatesIn(ca, '-tls-ca', caFile)
  return ca
}

/** Why clients will refuse it at this time; null: they have no reason to. */
export function whyRefused({ validFrom, validTo }: Certificates, nowMs: number): string | null {
  if (nowMs > validTo.getTime()) return `the certificate has ended on ${validTo.toISOString()}`
  if (nowMs < validFrom.getTime()) return `the certificate begins on ${validFrom.toISOString()}`
  return null
}

function read(flag: string, file: string): Buffer {
  try {
    return readBytes(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new UsageError(`${flag} ${file} cannot be read (${code}): give a file that this user may read`)
  }
}

function certificatesIn(pem: Buffer, flag: string, file: string): X509Certificate[] {
  const found = pem.toString('latin1').match(CERTIFICATE) ?? []
  if (found.length === 0) {
    throw new UsageError(`${flag} ${file} holds no certificate: it must be in PEM form (BEGIN CERTIFICATE)`)
  }
  return found.map((text, index) => {
    try {
      return new X509Certificate(text)
    } catch {
      throw new UsageError(`${flag} ${file}: certificate ${index + 1} in it is damaged`)
    }
  })
}

function privateKeyIn(pem: Buffer, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    const isLocked = pem.includes('ENCRYPTED')
    const why = isLocked
      ? 'is encrypted: give it without a passphrase (openssl pkey -in … -out …)'
      : 'holds no private key: it must be in PEM form (BEGIN PRIVATE KEY)'
    throw new UsageError(`-tls-key ${file} ${why}`)
  }
}

/** `CN=example.com`, or what else is there. */
function nameOf(certificate: X509Certificate): string {
  return (certificate.subject ?? certificate.subjectAltName ?? '').replaceAll('\n', ', ')
}
