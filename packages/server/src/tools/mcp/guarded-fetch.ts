import { lookup as dnsLookup } from 'node:dns'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { HoldfastError } from '@holdfast/protocol'
import { isPrivateAddress } from './private-address.ts'

export const guardLimits = {
  /** Of one answer; a stream of events counts as one. */
  responseBytes: 8 * 1024 * 1024,
  headerBytes: 64 * 1024,
} as const

/** Where the guard would not go. */
export class AddressRefusedError extends HoldfastError {
  override readonly name = 'AddressRefusedError'
  constructor(message: string) {
    super('forbidden', message)
  }
}

/**
 * fetch for servers that somebody else runs: it reaches no private address (unless allowed), follows no redirect, and
 * reads no more than guardLimits.responseBytes.
 *
 * The check is made on the very address that is connected to, in the connection's own lookup: a name that is looked up
 * twice may answer differently the second time (DNS rebinding), which is why this is not global fetch after a check.
 */
export function createGuardedFetch({
  allowPrivate,
}: {
  readonly allowPrivate: boolean
}): typeof globalThis.fetch {
  const lookup: LookupFunction = (host, options, done) => {
    dnsLookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, '')
      const bad = allowPrivate ? undefined : addresses.find(({ address }) => isPrivateAddress(address))
      const [first] = addresses
      if (bad !== undefined || first === undefined) return done(refusedAddress(host), '')
      if (options.all === true) done(null, addresses)
      else done(null, first.address, first.family)
    })
  }

  return async (input, init) => {
    const from = new Request(input, init)
    const url = new URL(from.url)
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
    // A connection to an address looks nothing up.
    if (!allowPrivate && isIP(host) !== 0 && isPrivateAddress(host)) throw refusedAddress(host)
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new AddressRefusedError(`${url.protocol} is not spoken to servers of tools`)
    const body = from.body === null ? null : Buffer.from(await from.arrayBuffer())
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const sent: ClientRequest = send(
      url,
      {
        method: from.method,
        headers: {
          ...Object.fromEntries(from.headers),
          ...(body === null ? {} : { 'content-length': body.byteLength }),
        },
        lookup,
        signal: from.signal,
        maxHeaderSize: guardLimits.headerBytes,
        // A connection of its own, so that none that another host opened is used again.
        agent: false,
      },
      resolve,
    )
    sent.on('error', reject)
    sent.end(body ?? undefined)
    const answer = await promise
    const status = answer.statusCode ?? 502
    if (status >= 300 && status < 400) {
      answer.destroy()
      throw new AddressRefusedError(`${url.host} sent the request elsewhere; redirects are not followed`)
    }
    const headers = new Headers()
    for (const [name, value] of Object.entries(answer.headers))
      for (const one of [value ?? []].flat()) headers.append(name, one)
    if (status === 204 || status === 205 || from.method === 'HEAD') {
      answer.resume()
      return new Response(null, { status, headers })
    }
    const limited = Readable.from(limit(answer, url.host))
    return new Response(Readable.toWeb(limited) as ReadableStream<Uint8Array>, { status, headers })
  }
}

async function* limit(answer: IncomingMessage, host: string): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > guardLimits.responseBytes) {
      answer.destroy()
      throw new HoldfastError(
        'payload_too_large',
        `${host} answered with more than ${guardLimits.responseBytes} bytes; ask it for less`,
      )
    }
    yield chunk
  }
}

const refusedAddress = (host: string): AddressRefusedError =>
  new AddressRefusedError(
    `${host} is on this machine or in a private network; allowPrivate in HOLDFAST_MCP_SERVERS lets a server be there`,
  )
