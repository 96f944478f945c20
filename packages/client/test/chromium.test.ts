import type { FileInfo } from '@holdfast/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, openPage, type Page } from './chromium.test-support.ts'
import { type FakeServer, makeId, openFakeServer, token } from './fake-server.test-support.ts'
import type * as InPage from './in-page.ts'
import { servePage } from './page-server.test-support.ts'

describe.skipIf(!hasChromium)('in Chromium (needs /usr/bin/chromium)', () => {
  let server: FakeServer
  let page: Page

  beforeAll(async () => {
    server = await openFakeServer()
    server.respond = (request, response) => {
      const { pathname } = new URL(request.url ?? '', server.url)
      if (request.method === 'POST') {
        request.resume()
        const info: FileInfo = {
          id: makeId('file'),
          threadId: server.threadId,
          name: 'x.csv',
          kind: 'csv',
          bytes: 1,
          sha256: '0',
          createdAt: new Date().toISOString(),
        }
        request.on('end', () =>
          response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(info)),
        )
        return
      }
      servePage(pathname).then(
        (found) =>
          found === null
            ? response.writeHead(404).end()
            : response.writeHead(200, { 'content-type': found.type }).end(found.body),
        (error: unknown) => response.writeHead(500).end(String(error)),
      )
    }
    page = await openPage(`${server.url}/page`)
  })
  afterAll(async () => {
    await page?.[Symbol.asyncDispose]()
    await server?.[Symbol.asyncDispose]()
  })
  const inPage = <Name extends keyof typeof InPage>(
    name: Name,
    ...args: Parameters<(typeof InPage)[Name]>
  ): Promise<unknown> =>
    page.evaluate(
      `import('/packages/client/test/in-page.ts').then((page) => page.${name}(...${JSON.stringify(args)}))`,
    )

  test('[K1] [K2] cursors in IndexedDB pass the contract', async () => {
    expect(await inPage('runCursorCases')).toBe('')
  })

  test('[K1] of an apply that waits for something else nothing is kept', async () => {
    expect(await inPage('applyThatWaits')).toEqual(['TransactionInactiveError', null, []])
  })

  test('[K1] a write of apply that fails undoes all of it, and is told as what it is', async () => {
    expect(await inPage('applyThatFails')).toEqual(['ConstraintError', null, []])
  })

  test('[K1] a failure that apply has seen to is none', async () => {
    expect(await inPage('applyThatPrevents')).toEqual(['committed', { epoch: 'epo_1', seq: 2 }, ['first']])
  })

  test('events are applied once, over the page’s own WebSocket, a cut, and a second start', async () => {
    const follow = (last: number) => inPage('follow', server.url, token, server.threadId, last)
    const from1 = (to: number): number[] => Array.from({ length: to }, (_, index) => index + 1)
    server.append(500)
    expect(await follow(500)).toEqual([from1(500), 500])
    const second = follow(900)
    await server.seen((frame) => frame.type === 'hello' && frame.subs?.[0]?.after === 500)
    server.append(200)
    server.cut()
    server.append(200)
    expect(await second).toEqual([from1(900), 900])
  })

  test('an upload tells how far it is', async () => {
    expect(await inPage('uploadWithProgress', server.url, token, server.threadId)).toEqual({
      name: 'x.csv',
      last: 4 * 1024 * 1024,
      rising: true,
      aborted: 'AbortError',
    })
  })
})
