import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * Who is on the other side. Behind proxies that is what they say in X-Forwarded-For, of which only the part is to be
 * believed that our own proxies wrote: each puts the address it sees at the end.
 *
 * @param proxyHops how many proxies of ours stand before this server
 */
export function clientAddress(request: IncomingMessage, proxyHops: number): string | null {
  const nearest = request.socket.remoteAddress ?? null
  if (proxyHops === 0) return nearest
  const said = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
  const address = said.at(-proxyHops)?.trim() ?? ''
  return isIP(address) === 0 ? nearest : address
}
