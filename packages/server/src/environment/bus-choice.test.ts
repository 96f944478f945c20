import { expect, test } from 'vitest'
import { chooseBus } from './bus-choice.ts'
import { readSettings, SettingError } from './settings.ts'

const database = { HOLDFAST_DATABASE_URL: 'postgres://db/holdfast' }
const nats = { HOLDFAST_NATS_URL: 'nats://user:hunter2@nats:4222,tls://nats-2' }

test.each([
  ['nothing: in-process', {}, 'in-process'],
  ['a database: postgres', database, 'postgres'],
  ['NATS: nats', nats, 'nats'],
  ['both: nats', { ...database, ...nats }, 'nats'],
  ['both, and what to take of them', { ...database, ...nats, HOLDFAST_BUS: 'postgres' }, 'postgres'],
  ['a database that one node has to itself', { ...database, HOLDFAST_BUS: 'in-process' }, 'in-process'],
])('the bus of %s', (_, environment, kind) => {
  expect(chooseBus(readSettings(environment)).kind).toBe(kind)
})

test.each([
  ['postgres', 'HOLDFAST_DATABASE_URL'],
  ['nats', 'HOLDFAST_NATS_URL'],
])('%s without its URL names what is missing', (kind, missing) => {
  const choose = () => chooseBus(readSettings({ HOLDFAST_BUS: kind }))
  expect(choose).toThrow(SettingError)
  expect(choose).toThrow(missing)
})

test.each(['http://nats:4222', 'nats:', 'nats://', 'nats://a,b', 'nats://a,,nats://b', 'nats'])(
  'HOLDFAST_NATS_URL is not %s, and the error does not show it',
  (value) => {
    const read = () => readSettings({ HOLDFAST_NATS_URL: value })
    expect(read).toThrow(/^HOLDFAST_NATS_URL must be a URL that begins with nats:/)
  },
)

test('the NATS URL shows as redacted', () => {
  const { natsUrl } = readSettings(nats)
  expect(`${natsUrl} ${JSON.stringify({ natsUrl })}`).not.toContain('hunter2')
  expect(natsUrl?.reveal()).toBe(nats.HOLDFAST_NATS_URL)
})
