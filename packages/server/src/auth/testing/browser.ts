/** As much of a browser as signing in needs: cookies by host, and redirects that are followed one at a time. */
export interface Browser {
  /** One request, with this browser's cookies for that host. */
  visit(url: string | URL, init?: RequestInit): Promise<Response>
  /** Follows redirects until one would lead to where `stop` says, or until an answer is none. */
  follow(url: string | URL, stop?: (url: URL) => boolean): Promise<Visited>
  cookie(url: string, name: string): string | undefined
  setCookie(url: string, name: string, value: string): void
}

export interface Visited {
  readonly url: URL
  /** null: stopped before this address was asked. */
  readonly response: Response | null
}

export function createBrowser(): Browser {
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (url: URL): Map<string, string> => {
    const jar = jars.get(url.host) ?? new Map<string, string>()
    jars.set(url.host, jar)
    return jar
  }
  const visit: Browser['visit'] = async (address, init = {}) => {
    const url = new URL(address)
    const jar = jarOf(url)
    const headers = new Headers(init.headers)
    const cookies = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    if (cookies !== '') headers.set('cookie', cookies)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }
  return {
    visit,
    async follow(address, stop = () => false) {
      let url = new URL(address)
      for (let hops = 0; hops < 10; hops += 1) {
        if (stop(url)) return { url, response: null }
        const response = await visit(url)
        const location = response.headers.get('location')
        if (location === null) return { url, response }
        await response.arrayBuffer()
        url = new URL(location, url)
      }
      throw new Error(`Too many redirects, the last to ${url.href}`)
    },
    cookie: (url, name) => jarOf(new URL(url)).get(name),
    setCookie: (url, name, value) => void jarOf(new URL(url)).set(name, value),
  }
}
