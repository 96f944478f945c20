import { isIP } from 'node:net'

/** Whether only this machine can reach a server bound to `host`. Names other than localhost are not trusted. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (bare === 'localhost') return true
  if (isIP(bare) === 4) return bare.startsWith('127.')
  return isIP(bare) === 6 && new URL(`http://[${bare}]/`).hostname === '[::1]'
}

/** A name or an address, and the port where there is one. Nothing else: `127.0.0.1@evil.test` is a host too. */
const hostAndPort = /^([a-z\d.-]+|\[[\da-f:]+\])(?::(\d{1,5}))?$/i

/** Is a `Host` header one of the names of this machine's loopback? Anything else is DNS rebinding. */
export function isLoopbackHost(host: string | undefined): boolean {
  const [, name] = hostAndPort.exec(host ?? '') ?? []
  return name !== undefined && isLoopback(name)
}

/** Is an `Origin` a page served from this machine's loopback at `port`? */
export function isLoopbackOrigin(origin: string, port: number): boolean {
  if (!origin.startsWith('http://')) return false
  const host = origin.slice('http://'.length)
  return isLoopbackHost(host) && Number(hostAndPort.exec(host)?.[2] ?? 80) === port
}
