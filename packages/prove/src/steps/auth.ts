import { createHmac } from 'node:crypto'
import { e2ePaths, newSimulationKey } from '@holdfast/protocol/e2e'
import type { Lab } from '../lab/lab.ts'
import { signSimulation } from '../lab/simulation.ts'

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function jwt(header: object, claims: object, key: string | null): string {
  const text = `${part(header)}.${part(claims)}`
  return `${text}.${key === null ? '' : createHmac('sha256', key).update(text).digest('base64url')}`
}

/** From the end. The very last character of a signature has bits that mean nothing: changed, it may say the same. */
const changedAt = 10

export function withOneChanged(token: string): string {
  const at = Math.max(0, token.length - changedAt)
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

/** Credentials that nobody may get in with. Each is of a kind that some server has let in. */
export function badTokens(good: string, nowS: number): readonly (readonly [name: string, token: string])[] {
  const claims = { iss: 'https://issuer.invalid', aud: 'holdfast', sub: 'usr_admin', iat: nowS - 60 }
  return [
    ['garbage', 'not-a-token-at-all'],
    ['one character changed', withOneChanged(good)],
    ['cut short', good.slice(0, -4)],
    ['alg none', jwt({ alg: 'none', typ: 'JWT' }, { ...claims, exp: nowS + 3600 }, null)],
    [
      'expired, and by a key of nobody',
      jwt({ alg: 'HS256', typ: 'JWT' }, { ...claims, exp: nowS - 3600 }, 'a key of nobody'),
    ],
    [
      'by a key of nobody',
      jwt({ alg: 'HS256', typ: 'JWT' }, { ...claims, exp: nowS + 3600 }, 'a key of nobody'),
    ],
    [
      'for another audience, and by a key of nobody',
      jwt({ alg: 'HS256' }, { ...claims, aud: 'another', exp: nowS + 3600 }, 'a key of nobody'),
    ],
    ['unknown personal token', `hf_pat_${'0'.repeat(26)}_${'A'.repeat(43)}`],
  ]
}

/** Bad credentials over each transport, foreign pages, renewal in band, and the simulation endpoint. */
export async function authStep(lab: Lab): Promise<void> {
  const [person] = lab.people
  const { recorder } = lab
  const note = (check: string, name: string, expected: string, seen: string, ok: boolean): void =>
    recorder.fact('case', { check, name, expected, seen, ok, strict: true })

  await lab
    .http(null, { path: '/v1/session', about: 'auth none' })
    .then(({ status }) =>
      note('auth.negative', 'HTTP, no credentials', '401', String(status), status === 401),
    )
  for (const [name, token] of badTokens(person?.token ?? 'x'.repeat(43), Math.floor(Date.now() / 1000))) {
    const http = await lab.http(null, { path: '/v1/session', token, about: `auth ${name}` })
    note('auth.negative', `HTTP, ${name}`, '401', String(http.status), http.status === 401)
    const socket = await lab.socket(null, { token, about: `auth ${name}` })
    // Before the 101: a socket that is accepted and closed later has already been somebody's.
    note(
      'auth.negative',
      `WebSocket, ${name}`,
      '401 or 403 before the handshake',
      socket.isOpen ? '101' : String(socket.refusedWith),
      socket.refusedWith === 401 || socket.refusedWith === 403,
    )
    await socket.close()
  }
  await inHello(lab, note)
  await origins(lab, note)
  if (person !== undefined) await renewal(lab, note)
  await simulationKey(lab, note)
}

type Note = (check: string, name: string, expected: string, seen: string, ok: boolean) => void

async function inHello(lab: Lab, note: Note): Promise<void> {
  for (const [name, auth] of [
    ['hello without a token', undefined],
    ['hello with garbage', 'not-a-token-at-all'],
  ] as const) {
    const socket = await lab.socket(null, { about: `auth ${name}` })
    socket.send({ type: 'hello', instance: `${lab.id}-auth`, ...(auth === undefined ? {} : { auth }) })
    const closed = await socket.closed(lab.plan.patienceMs)
    const greeted = socket.frames.some(({ type }) => type === 'ready')
    note(
      'auth.negative',
      `WebSocket, ${name}`,
      'close 4501, never ready',
      `${greeted ? 'ready, ' : ''}close ${closed?.code ?? 'none'}`,
      closed?.code === 4501 && !greeted,
    )
    await socket.close()
  }
}

async function origins(lab: Lab, note: Note): Promise<void> {
  const [person] = lab.people
  if (person === undefined) return
  for (const [name, origin] of [
    ['a foreign page', 'https://evil.invalid'],
    ['a page without origin', 'null'],
    ['a page whose host begins like ours', `${new URL(lab.url).origin}.evil.invalid`],
  ] as const) {
    const socket = await lab.socket(person, { headers: { origin }, about: `origin ${name}` })
    note(
      'auth.origin',
      `WebSocket from ${name}`,
      '403',
      socket.isOpen ? '101' : String(socket.refusedWith),
      socket.refusedWith === 403,
    )
    await socket.close()
  }
  const plain = await lab.session(person, [], 'origin none')
  note(
    'auth.origin',
    'a program without Origin',
    'ready',
    plain === null ? 'refused' : 'ready',
    plain !== null,
  )
  await plain?.close()
}

/** auth.expiry: in band, by the same user only; and what becomes of a token that runs out, where one does in time. */
async function renewal(lab: Lab, note: Note): Promise<void> {
  const [person] = lab.people
  if (person === undefined) return
  const same = await lab.session(person, [], 'renew same')
  if (same !== null) {
    same.send({ type: 'auth', auth: person.token })
    same.send({ type: 'sub', stream: 'user/me', after: 'head' })
    const answered = await same.wait(({ type }) => type === 'sub_ok', lab.plan.patienceMs)
    note(
      'auth.expiry',
      'renewed by the same user',
      'the session goes on',
      answered === null ? 'it ended' : 'it goes on',
      answered !== null,
    )
    await same.close()
  }
  const garbage = await lab.session(person, [], 'renew garbage')
  if (garbage !== null) {
    garbage.send({ type: 'auth', auth: 'not-a-token-at-all' })
    const code = (await garbage.closed(lab.plan.patienceMs))?.code
    note('auth.expiry', 'renewed with garbage', 'close 4501', `close ${code ?? 'none'}`, code === 4501)
    await garbage.close()
  }
  const stranger = lab.people.find(({ userId }) => userId !== person.userId)
  if (stranger !== undefined) {
    const taken = await lab.session(person, [], 'renew other')
    if (taken !== null) {
      taken.send({ type: 'auth', auth: stranger.token })
      const code = (await taken.closed(lab.plan.patienceMs))?.code
      note(
        'auth.expiry',
        "renewed with another user's token",
        'close 4503',
        `close ${code ?? 'none'}`,
        code === 4503,
      )
      await taken.close()
    }
  }
  await expiry(lab, note)
}

async function expiry(lab: Lab, note: Note): Promise<void> {
  const [person] = lab.people
  if (person === undefined) return
  // It does not renew when it is asked to.
  const socket = await lab.session(person, [], 'expiry', { quiet: true })
  if (socket === null) return
  const expires = socket.frames.find(({ type }) => type === 'ready')?.['authExpiresAt']
  const leftMs = typeof expires === 'string' ? Date.parse(expires) - Date.now() : Number.POSITIVE_INFINITY
  if (leftMs < lab.plan.patienceMs) {
    const closed = await socket.closed(leftMs + lab.plan.patienceMs)
    note(
      'auth.expiry',
      'a token that ran out',
      'close 4001',
      `close ${closed?.code ?? 'none'}`,
      closed?.code === 4001,
    )
  }
  await socket.close()
}

const simulationPath = e2ePaths.session

async function simulationKey(lab: Lab, note: Note): Promise<void> {
  const body = { persona: 'alice', run: `prove-${lab.id}-key`, mode: 'token' }
  const post = (headers: Record<string, string>) =>
    lab.http(null, { method: 'POST', path: simulationPath, headers, body, about: 'simkey' })
  const wrong = signSimulation(
    lab,
    { key: newSimulationKey(), host: lab.simulation?.host ?? new URL(lab.url).host },
    { method: 'POST', path: simulationPath, body: JSON.stringify(body) },
  )
  if (lab.simulation === null) {
    // Where tests may sign in, the endpoint is there and asks for its key. Production must not even have it, and beside
    // real users a server that does not say what it is for is taken for that.
    const production = (lab.tier ?? (lab.profile.name === 'prod-safe' ? 'production' : '')) === 'production'
    for (const [name, headers] of [
      ['unsigned', {}],
      ['signed with a key of nobody', wrong],
    ] as const) {
      const { status } = await post(headers)
      note(
        'auth.simkey',
        `${production ? 'production' : 'without its key'}, ${name}`,
        production ? '404' : '401 or 404',
        String(status),
        status === 404 || (status === 401 && !production),
      )
    }
    return
  }
  const unsigned = await post({})
  note('auth.simkey', 'unsigned', '401', String(unsigned.status), unsigned.status === 401)
  const forged = await post(wrong)
  note('auth.simkey', 'a wrong key', '401', String(forged.status), forged.status === 401)
  note(
    'auth.simkey',
    'both refusals are the same',
    'one body',
    unsigned.body === forged.body ? 'one body' : 'two bodies',
    unsigned.body === forged.body,
  )
  const kinds = [...new Set(lab.people.map(({ kind }) => kind))]
  note(
    'auth.simkey',
    'who was made',
    'simulated',
    kinds.join(', '),
    kinds.length === 1 && kinds[0] === 'simulated',
  )
}
