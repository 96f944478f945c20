import { type Check, cases, plural, type Violation } from './finding.ts'
import { readingsOf, violationsOf } from './readings.ts'

const byCases = (id: string, minimum: number, rest: Omit<Check, 'id' | 'minimum' | 'judge'>): Check => ({
  id,
  ...rest,
  minimum: () => minimum,
  judge: ({ view }) => cases(view, id),
})

export const authNegative = byCases('auth.negative', 19, {
  title: 'Bad credentials are refused before the handshake',
  group: 'security',
  invariant: true,
  steps: ['identity', 'sign-in', 'auth'],
  catches: 'sockets that are accepted first and judged later',
})

export const authOrigin = byCases('auth.origin', 4, {
  title: 'Pages of other origins may not connect',
  group: 'security',
  invariant: true,
  steps: ['identity', 'sign-in', 'auth'],
  catches: 'cross-site WebSocket hijacking',
})

export const authExpiry: Check = {
  ...byCases('auth.expiry', 3, {
    title: 'Sessions are renewed by their owner, and end with their token',
    group: 'security',
    invariant: true,
    steps: ['identity', 'sign-in', 'auth'],
    catches: 'sessions that never end',
  }),
  judge({ view }) {
    const found = cases(view, 'auth.expiry')
    const ranOut = found.names.includes('a token that ran out')
    return {
      ...found,
      notes: ranOut ? [] : ['no token ran out within the proof: expiry itself was not waited for'],
    }
  },
}

export const authSimkey = byCases('auth.simkey', 2, {
  title: 'The simulation endpoint asks for its key, or is not there',
  group: 'security',
  invariant: true,
  steps: ['identity', 'sign-in', 'auth'],
  catches: 'a back door for tests that was shipped',
})

export const isoCrossRead = byCases('iso.cross-read', 8, {
  title: "Another user's ids are answered as ids of nobody",
  group: 'concurrency',
  invariant: true,
  steps: ['identity', 'sign-in', 'isolation'],
  catches: 'broken object authorization',
})

export const authEcho: Check = {
  id: 'auth.echo',
  title: 'No credential comes back',
  group: 'security',
  invariant: true,
  steps: ['identity', 'sign-in', 'auth'],
  catches: 'tokens in bodies, headers, frames and reasons',
  minimum: () => 20,
  judge({ view }) {
    const violations: Violation[] = []
    let scanned = 0
    const look = (where: string, t: number, text: string, conn?: number): void => {
      scanned += 1
      // The recorder has put this in the place of each secret it knows.
      const [, name] = /\[secret:([\w-]+)\]/.exec(text) ?? []
      if (name !== undefined)
        violations.push({ what: `${name} in ${where}`, t, ...(conn === undefined ? {} : { conn }) })
    }
    // The one answer that is a token.
    for (const { path, body, headers, t, about } of view.https)
      if (about !== 'simulate') look(`the answer of ${path}`, t, `${body}${JSON.stringify(headers)}`)
    for (const { line, conn, t, type } of view.received) look(`a frame ${type}`, t, line.text, conn)
    for (const { body, t, conn } of view.refused) look('a refused handshake', t, body, conn)
    for (const { reason, t, conn } of view.closes) look('the reason of a close', t, reason, conn)
    for (const { headers, t, conn } of view.opens)
      look('the headers of a handshake', t, JSON.stringify(headers), conn)
    return { situations: scanned, violations, says: `${plural(scanned, 'answer')} looked through` }
  },
}

export const isoSpread: Check = {
  id: 'iso.spread',
  title: 'Coming back on another node is no different',
  group: 'concurrency',
  invariant: false,
  steps: ['identity', 'sign-in', 'resume'],
  catches: 'state that only one process has',
  minimum: () => 1,
  judge({ view }) {
    const nodeOf = new Map(view.opens.map(({ conn, headers }) => [conn, headers['x-holdfast-node'] ?? '']))
    const nodes = new Set([
      ...nodeOf.values(),
      ...view.https.flatMap(({ headers }) => headers['x-holdfast-node'] ?? []),
    ])
    nodes.delete('')
    const readings = readingsOf(view, ({ cut }) => cut !== null && /^\d+$/.test(cut))
    const firstNode = new Map(
      readings.flatMap(({ reader }) =>
        reader.role === 'first_half' ? [[reader.thread, nodeOf.get(reader.conn)]] : [],
      ),
    )
    const moved = readings.filter(
      ({ reader }) => reader.role === 'resumed' && nodeOf.get(reader.conn) !== firstNode.get(reader.thread),
    )
    return {
      situations: moved.length,
      violations: moved.flatMap(violationsOf),
      says: `${plural(nodes.size, 'node')} seen; ${plural(moved.length, 'cursor')} resumed on another one`,
      measured: { nodes: nodes.size, moved: moved.length },
    }
  },
}
