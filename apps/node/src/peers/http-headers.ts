/** What a member says of itself in every request to another one. */
export function headersOf(ownName: string, authKey: string | null): Readonly<Record<string, string>> {
  const said = { 'Content-Type': 'application/octet-stream', 'Minivault-Member': ownName }
  return authKey === null ? said : { ...said, Authorization: `Bearer ${latin1Of(authKey)}` }
}

/** Headers are latin-1: a key of other characters goes as its bytes. */
function latin1Of(key: string): string {
  return Buffer.from(key, 'utf8').toString('latin1')
}
