import { systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { retryPolicies } from '../environment/retry-policy.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { cuttableBusContract } from './bus.contract.ts'
import type { Hint } from './bus.ts'
import { natsOptions, openNatsBus } from './nats-bus.ts'
import { findNatsServer, natsNote, openNatsServer } from './testing/nats-server.ts'

const makeId = systemIdMaker()
const common = { policy: retryPolicies.test, logger: silentLogger }

describe.skipIf(findNatsServer() === null)(`real NATS${natsNote}`, () => {
  cuttableBusContract('the bus on NATS', async () => {
    await using opening = new AsyncDisposableStack()
    const server = opening.use(await openNatsServer())
    const options = { ...common, url: server.url, epoch: makeId('epoch') }
    const here = opening.use(await openNatsBus(options))
    const there = opening.use(await openNatsBus(options))
    const owned = opening.move()
    return {
      here,
      there,
      cut: server.stop,
      mend: server.start,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    }
  })

  test('[L6] two deployments on one NATS hear their own hints only', async () => {
    await using server = await openNatsServer()
    const [mine, theirs] = [makeId('epoch'), makeId('epoch')]
    await using here = await openNatsBus({ ...common, url: server.url, epoch: mine })
    await using other = await openNatsBus({ ...common, url: server.url, epoch: theirs })
    await using peer = await openNatsBus({ ...common, url: server.url, epoch: mine })
    const heard: [string, Hint][] = []
    other.subscribe((hint) => heard.push(['other', hint]))
    peer.subscribe((hint) => heard.push(['peer', hint]))
    const hints: readonly Hint[] = [
      { kind: 'revoked', userId: makeId('user') },
      { kind: 'cancel', runId: makeId('run') },
    ]
    for (const hint of hints) here.publish(hint)
    await expect.poll(() => heard.length).toBeGreaterThanOrEqual(2)
    // The server has passed on all that it had for anybody before this, which goes the same way.
    const marker: Hint = { kind: 'cancel', runId: makeId('run') }
    other.publish(marker)
    await expect.poll(() => heard).toContainEqual(['other', marker])
    expect(heard).toEqual([...hints.map((hint) => ['peer', hint]), ['other', marker]])
  })

  test('[B1] a node starts while NATS is away, and hears the others once it is there', async () => {
    await using server = await openNatsServer()
    await server.stop()
    const options = { ...common, url: server.url, epoch: makeId('epoch') }
    await using here = await openNatsBus(options)
    await using there = await openNatsBus(options)
    const back = Promise.all(
      [here, there].map((bus) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        bus.onResync(resolve)
        return promise
      }),
    )
    await server.start()
    await back
    const heard: Hint[] = []
    there.subscribe((hint) => heard.push(hint))
    here.publish({ kind: 'queued' })
    await expect.poll(() => heard).toEqual([{ kind: 'queued' }])
  })

  test('credentials of the URL are used; wrong ones stop the start, in words without them', async () => {
    await using server = await openNatsServer('--user', 'node', '--pass', '4:5@/')
    const open = (password: string) =>
      openNatsBus({
        ...common,
        url: server.url.replace('//', `//node:${encodeURIComponent(password)}@`),
        epoch: makeId('epoch'),
      })
    await using _bus = await open('4:5@/')
    const refused: unknown = await open('hunter2').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'not_ready' })
    expect(String(refused)).toContain('127.0.0.1')
    expect(String(refused)).not.toContain('hunter2')
  })
})

test('a NATS URL may name several servers, TLS, a user or a token', () => {
  expect(natsOptions('nats://127.0.0.1:4222')).toEqual({ servers: ['127.0.0.1:4222'] })
  expect(natsOptions('tls://a:1,tls://b')).toEqual({ servers: ['a:1', 'b:4222'], tls: {} })
  expect(natsOptions('nats://secret@[::1]:7')).toEqual({ servers: ['[::1]:7'], token: 'secret' })
})
