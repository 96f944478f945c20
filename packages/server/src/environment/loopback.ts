import { isIP } from 'node:net'

/** Whether only this machine can reach a server bound to `host`. Names other than localhost are not trusted. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (bare === 'localhost') return true
  if (isIP(bare) === 4) return bare.startsWith('127.')
  return isIP(bare) === 6 && new URL(`http://[${bare}]/`).hostname === '[::1]'
}
