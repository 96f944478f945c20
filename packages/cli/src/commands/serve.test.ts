import { afterAll, beforeAll, expect, test } from 'vitest'
import { run, runHere, start, takePort, temporaryDirectory } from '../holdfast.test-support.ts'

// One directory for all: making a database takes seconds, opening one does not.
let directory: Awaited<ReturnType<typeof temporaryDirectory>>
beforeAll(async () => {
  directory = await temporaryDirectory()
})
afterAll(() => directory[Symbol.asyncDispose]())

/** A server on a free port, with what it printed. */
async function serve(path: string, args: readonly string[] = []) {
  const server = start(['serve', '--port', '0', '--data-dir', path, ...args])
  const [, url = ''] = await server.saw(/Holdfast is at (\S+)/)
  await server.saw(/Ctrl-C/)
  return { server, url }
}

test('it says where to go, what to try, the tier, and what the store survives', async () => {
  const { server, url } = await serve(directory.path)
  await using _server = server
  expect((await fetch(`${url}/health/ready`)).status).toBe(200)
  server.child.kill('SIGTERM')
  const { code, stdout } = await server.ended
  expect(code).toBe(0)
  expect(stdout).toMatch(new RegExp(`^ {2}${url}/login#token=[\\w-]{40,}$`, 'm'))
  expect(stdout.match(/npx holdfast ask ".+"/g)).toHaveLength(3)
  expect(stdout).toContain('tier   development (assumed), no platform seen')
  expect(stdout).toContain(
    `store  PGlite in ${directory.path}; what is acknowledged survives a crash of the process`,
  )
})

test('the one-time link signs in once', async () => {
  const { server, url } = await serve(directory.path)
  await using _server = server
  const [, token = ''] = await server.saw(/#token=(\S+)/)
  const signIn = () =>
    fetch(`${url}/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
      body: JSON.stringify({ token }),
    })
  expect((await signIn()).status).toBe(201)
  expect((await signIn()).status).toBe(401)
})

test('a second server on the same directory is refused with the pid and what to do: 73', async () => {
  const { server } = await serve(directory.path)
  await using _server = server
  const { code, stderr } = await run(['serve', '--port', '0', '--data-dir', directory.path])
  expect(code).toBe(73)
  expect(stderr).toMatch(new RegExp(`^holdfast: .*process ${server.child.pid}\\b.*\\n$`))
  expect(stderr).toContain('--data-dir')
})

test('a port in use is one line that names it: 1', async () => {
  const { port, close } = await takePort()
  const { code, stdout, stderr } = await run(['serve', '--port', String(port), '--data-dir', directory.path])
  await close()
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe(
    `holdfast: 127.0.0.1 port ${port} is already in use. Stop what listens there, or choose another port with --port (0: any free one).\n`,
  )
})

test.each<[string, readonly string[], Readonly<Record<string, string>>, RegExp]>([
  ['a bad setting', [], { HOLDFAST_ENV: 'geheim' }, /^holdfast: HOLDFAST_ENV must be one of development/],
  ['a bad port in the environment', [], { PORT: 'geheim' }, /^holdfast: PORT must be a whole number/],
  [
    'a model without its key',
    [],
    { HOLDFAST_MODEL: 'openai:gpt-5', OPENAI_API_KEY: '', HOLDFAST_OPENAI_API_KEY: '' },
    /^holdfast: HOLDFAST_MODEL names openai:gpt-5, so HOLDFAST_OPENAI_API_KEY \(or OPENAI_API_KEY\) must be set/,
  ],
  ['beyond loopback', ['--host', '0.0.0.0'], {}, /^holdfast: .*HOLDFAST_HOST.*127\.0\.0\.1/],
  [
    'a hosted laptop',
    [],
    { HOLDFAST_ENV: 'development', K_SERVICE: 'x' },
    /^holdfast: HOLDFAST_ENV says development/,
  ],
])('%s is one line and 78', async (_name, args, env, expected) => {
  const { code, stdout, stderr } = await runHere(['serve', '--data-dir', directory.path, ...args], env)
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  expect(stderr).toMatch(expected)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(stderr).not.toContain('geheim')
})

test.each([
  [['serve', '--port', 'x'], 'whole number'],
  [['serve', '--host', 'http://x'], 'an address or a host name'],
  [['serve', '--nothing'], 'unknown option'],
  [['nothing'], 'unknown command'],
])('%j is wrong usage: 2', async (args, expected) => {
  const { code, stderr } = await runHere(args)
  expect(code).toBe(2)
  expect(stderr).toContain(expected)
})

test('--help lists every setting with its sentence', async () => {
  const { code, stdout } = await runHere(['serve', '--help'], { HOLDFAST_ENV: 'wrong' })
  expect(code).toBe(0)
  for (const word of [
    'HOLDFAST_ENV',
    'HOLDFAST_PORT or PORT',
    'HOLDFAST_DATABASE_URL',
    'Examples:',
    'Exit codes:',
  ])
    expect(stdout).toContain(word)
})

const provider = {
  HOLDFAST_OIDC_ISSUER: 'http://127.0.0.1:9',
  HOLDFAST_OIDC_CLIENT_ID: 'holdfast',
  HOLDFAST_OIDC_CLIENT_SECRET: 'hunter2-of-the-client',
  HOLDFAST_PUBLIC_URL: 'http://127.0.0.1:8080',
}
test.each<[string, Record<string, string>]>([
  ['HOLDFAST_OIDC_ISSUER', { ...provider, HOLDFAST_ENV: 'production' }],
  ['HOLDFAST_OIDC_ISSUER', provider],
  ['HOLDFAST_OIDC_CLIENT_ID', { ...provider, HOLDFAST_ENV: 'test', HOLDFAST_OIDC_CLIENT_ID: '' }],
  ['HOLDFAST_OIDC_ISSUER', { HOLDFAST_HOST: '0.0.0.0' }],
])('nobody could sign in safely: one line that names %s, and no secret: 78', async (setting, env) => {
  const { code, stdout, stderr } = await run(['serve', '--port', '0', '--data-dir', directory.path], { env })
  expect([code, stdout]).toEqual([78, ''])
  expect(stderr).toMatch(/^holdfast: .*\n$/)
  expect(stderr).toContain(setting)
  expect(stderr).not.toContain('hunter2')
})
