/**
 * A bearer token, or what makes one: called before the first request, and with `renewal` when the server said that
 * the last one has expired. What it throws is what the caller of the client gets.
 */
export type TokenSource = string | ((why: 'first' | 'renewal') => Promise<string>)

export interface Credentials {
  readonly canRenew: boolean
  /** null: none, a browser's cookie has to do. */
  current(): Promise<string | null>
  /** Another than `refused`. Who asks while another waits gets the same, and so does who comes with an older one. */
  renew(refused: string | null): Promise<string | null>
}

export function createCredentials(source: TokenSource | null): Credentials {
  if (source === null || typeof source === 'string') {
    const fixed = async (): Promise<string | null> => source
    return { canRenew: false, current: fixed, renew: fixed }
  }
  let token: Promise<string> | null = null
  /** What `token` has come to; null: not yet. */
  let known: string | null = null
  // A source that throws instead of rejecting is a source that rejects.
  const started = async (why: 'first' | 'renewal'): Promise<string> => source(why)
  const ask = (why: 'first' | 'renewal'): Promise<string> => {
    const asked = started(why)
    token = asked
    known = null
    asked.then(
      (value) => {
        known = value
      },
      () => {
        // The next one who needs a token asks again.
        token = null
      },
    )
    return asked
  }
  return {
    canRenew: true,
    current: () => token ?? ask('first'),
    renew: (refused) => (token !== null && (known === null || known !== refused) ? token : ask('renewal')),
  }
}
