const loopbackHost = /^(localhost|127\.0\.0\.1|\[::1\])(?::(\d{1,5}))?$/i

/** Is a `Host` header one of the names of this machine's loopback? Anything else is DNS rebinding. */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && loopbackHost.test(host)
}

/** Is an `Origin` a page served from this machine's loopback at `port`? */
export function isLoopbackOrigin(origin: string, port: number): boolean {
  if (!origin.startsWith('http://')) return false
  const match = loopbackHost.exec(origin.slice('http://'.length))
  return match !== null && Number(match[2] ?? 80) === port
}
