import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLogger, type LoggerOptions, silentLogger } from './logger.ts'

function collect(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = []
  const logger = createLogger({
    level: 'debug',
    format: 'json',
    ...options,
    write: (line) => lines.push(line),
  })
  return { logger, lines, text: () => lines.join('') }
}

const thrower = {
  get broken(): never {
    throw new Error('getter')
  },
}
const hostile = {
  toJSON: () => {
    throw new Error('toJSON')
  },
}
const loop: Record<string, unknown> = {}
loop['self'] = loop

test.each<[string, unknown, unknown]>([
  ['a bigint', 10n, '10'],
  ['a circle', loop, { self: '[circular]' }],
  ['a getter that throws', thrower, { broken: '[unreadable]' }],
  ['a toJSON that throws', hostile, '[unreadable]'],
  ['a revoked proxy', revoked(), '[unreadable]'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['a function', () => 1, '[function]'],
  ['NaN', Number.NaN, 'NaN'],
  ['an invalid date', new Date(Number.NaN), 'Invalid Date'],
  ['a map', new Map([['a', 1]]), { a: 1 }],
  ['a buffer', Buffer.from('hello'), '[5 bytes]'],
  ['undefined', undefined, null],
])('%s is written, not thrown', (_name, value, expected) => {
  const { logger, lines } = collect()
  logger.info({ value }, 'line')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', msg: 'line', value: expected })
})

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

test('any value gives one line that is JSON', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }), (value) => {
      const { logger, lines } = collect()
      logger.child({ value }).info({ value }, 'line')
      expect(lines).toHaveLength(1)
      JSON.parse(lines[0] ?? '')
    }),
  )
})

test('depth, items and length are bounded', () => {
  const { logger, text } = collect()
  let deep: object = {}
  for (let level = 0; level < 1_000; level += 1) deep = { deep }
  logger.info({ deep, long: 'x'.repeat(1_000_000), many: Array.from({ length: 10_000 }, () => 1) }, 'line')
  expect(text().length).toBeLessThan(6_000)
  expect(text()).toContain('(1000000 characters)')
  expect(text()).toContain('[deeper]')
})

test('an error is written with its cause', () => {
  const { logger, lines } = collect()
  logger.error({ error: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    error: { message: 'outer', cause: { message: 'inner' } },
  })
})

describe('secrets do not reach a line', () => {
  test.each<[string, Record<string, unknown>]>([
    ['by name', { token: 'geheim' }],
    ['by name, camel case', { accessToken: 'geheim', apiKey: 'geheim', clientSecret: 'geheim' }],
    ['by name, as a header', { headers: { authorization: 'geheim', 'set-cookie': 'geheim' } }],
    ['by name, within a list', { rows: [{ db_password: 'geheim' }] }],
    ['in a URL', { url: 'postgres://user:geheim@host/db' }],
    ['in a URL object', { url: new URL('https://user:geheim@host/?token=geheim') }],
    ['as a bearer', { header: 'Bearer geheim' }],
    ['as a personal token', { text: 'got hf_pat_geheim_geheim here' }],
    ['in the one-time link', { link: 'http://127.0.0.1:8080/login#token=geheim' }],
    ['in an error', { error: new Error('connect postgres://u:geheim@host/db failed') }],
  ])('%s', (_name, fields) => {
    const { logger, text } = collect()
    logger.child(fields).warn(fields, 'connect postgres://u:geheim@host/db')
    expect(text()).not.toContain('geheim')
    expect(text()).toContain('[redacted]')
  })

  test('counts of tokens are not secrets', () => {
    const { logger, lines } = collect()
    logger.info({ inputTokens: 5, outputTokens: 6 }, 'line')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ inputTokens: 5, outputTokens: 6 })
  })
})

test('for a person: one line, whatever the message and the fields hold', () => {
  const { logger, lines } = collect({ format: 'line' })
  logger.child({ run: 'run_1' }).info({ text: 'a\nb', rows: [1, 2], ms: 3 }, 'two\nlines')
  expect(lines).toHaveLength(1)
  expect(lines[0]?.slice(12)).toBe(' info  two lines run=run_1 text="a\\nb" rows=[1,2] ms=3\n')
  expect(lines[0]?.slice(0, 12)).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/)
})

test('lines below the level are not written', () => {
  const { logger, lines } = collect({ level: 'warn' })
  logger.info({}, 'no')
  logger.warn({}, 'yes')
  expect(lines).toHaveLength(1)
  silentLogger.error({}, 'nothing is written, and nothing is thrown')
})
