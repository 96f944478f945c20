import { createServer } from 'node:net'
import { createClient, HoldfastConnectionError } from '@holdfast/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientId, type OidcServer, openOidcServer } from '../../server/src/auth/testing/oidc-server.ts'
import { type Running, start, temporaryDirectory } from '../src/holdfast.test-support.ts'

const audience = 'https://api.holdfast.test'

/** A start makes a database: long on a machine that does other things as well. */
const startMs = 60_000

let closing: AsyncDisposableStack
let url: string
let oidc: OidcServer
let server: Running
beforeAll(async () => {
  closing = new AsyncDisposableStack()
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  oidc = closing.use(await openOidcServer({ redirectUri: `${url}/auth/callback` }))
  const directory = closing.use(await temporaryDirectory())
  server = closing.use(
    start(['serve', '--port', String(port), '--data-dir', directory.path], {
      env: {
        HOLDFAST_ENV: 'test',
        HOLDFAST_PUBLIC_URL: url,
        HOLDFAST_OIDC_ISSUER: oidc.issuer,
        HOLDFAST_OIDC_CLIENT_ID: clientId,
        HOLDFAST_API_AUDIENCE: audience,
      },
    }),
  )
  await server.saw(/Ctrl-C/)
}, startMs)
afterAll(() => closing.disposeAsync())

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port')
  return address.port
}

/** A token of so many seconds, as of now. */
const tokenOf = (seconds: number): Promise<string> =>
  oidc.sign({ iss: oidc.issuer, aud: audience, sub: 'ann', exp: Math.floor(Date.now() / 1000) + seconds })

test('a client whose tokens live for seconds follows for as long as it likes, on one connection', async () => {
  const renewed = Promise.withResolvers<void>()
  const asked: string[] = []
  const seen: string[] = []
  await using client = createClient({
    url,
    onStatus: ({ kind }) => seen.push(kind),
    async token(why) {
      asked.push(why)
      if (asked.length === 4) renewed.resolve()
      return tokenOf(3)
    },
  })
  const titles: string[] = []
  const done = Promise.withResolvers<void>()
  const stop = new AbortController()
  const follow = async (): Promise<void> => {
    for await (const item of client.lifecycle({ after: 'start', signal: stop.signal })) {
      if (item.type !== 'thread_created') continue
      titles.push(item.title)
      if (item.title === 'last') done.resolve()
    }
  }
  const following = follow()
  await client.createThread({ title: 'first' })
  // Three further tokens: the first one is long over by then.
  await renewed.promise
  await client.createThread({ title: 'last' })
  await done.promise
  stop.abort()
  await following
  expect(titles).toEqual(['first', 'last'])
  expect(asked.slice(0, 4)).toEqual(['first', 'renewal', 'renewal', 'renewal'])
  expect(seen.filter((kind) => kind !== 'idle')).toEqual(['connecting', 'ready'])
})

test('a client that gets no further token is told, with its own reason', async () => {
  let asked = 0
  await using client = createClient({
    url,
    async token() {
      asked += 1
      if (asked > 1) throw new Error('signed out at the provider')
      return tokenOf(2)
    },
  })
  const following = (async () => {
    for await (const _item of client.lifecycle()) void _item
  })()
  await expect(following).rejects.toMatchObject({
    closeCode: 4501,
    cause: expect.objectContaining({ message: 'signed out at the provider' }),
  })
})

test('a client with a token that cannot be renewed ends with 4001', async () => {
  await using client = createClient({ url, token: await tokenOf(2) })
  const following = (async () => {
    for await (const _item of client.lifecycle()) void _item
  })()
  await expect(following).rejects.toBeInstanceOf(HoldfastConnectionError)
  await expect(following).rejects.toMatchObject({ closeCode: 4001 })
})
