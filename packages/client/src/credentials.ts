/**
 * A bearer token, or what makes one: called before the first request, and with `renewal` when the server said that
 * the last one has expired. What it throws is what the caller of the client gets.
 */
export type TokenSource = string | ((why: 'first' | 'renewal') => Promise<string>)

export interface Credentials {
  readonly canRenew: boolean
  /** null: none, a browser's cookie has to do. */
  current(): Promise<string | null>
  /** A new one. Who asks while another waits gets the same. */
  renew(): Promise<string | null>
}

export function createCredentials(source: TokenSource | null): Credentials {
  if (source === null || typeof source === 'string') {
    const fixed = async (): Promise<string | null> => source
    return { canRenew: false, current: fixed, renew: fixed }
  }
  let token: Promise<string> | null = null
  let renewing = false
  const ask = (why: 'first' | 'renewal'): Promise<string> => {
    const asked = source(why)
    token = asked
    renewing = true
    const settled = (): void => {
      renewing = false
    }
    asked.then(settled, () => {
      settled()
      // The next one who needs a token asks again.
      if (token === asked) token = null
    })
    return asked
  }
  return {
    canRenew: true,
    current: () => token ?? ask('first'),
    renew: () => (renewing && token !== null ? token : ask('renewal')),
  }
}
