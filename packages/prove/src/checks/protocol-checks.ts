import { createHash } from 'node:crypto'
import {
  AgentList,
  CloseReason,
  EventPage,
  Problem,
  Readiness,
  Run,
  ServerFrame,
  Session,
  Thread,
  ThreadList,
  ThreadState,
  Version,
} from '@holdfast/protocol'
import { SimulatedSession } from '@holdfast/protocol/e2e'
import type { z } from 'zod'
import { diffContracts } from '../contract/diff.ts'
import type { View } from '../history/view.ts'
import { malformedCases } from '../steps/frames.ts'
import { type Check, cases, plural, type Violation } from './finding.ts'

const framesChecks = {
  group: 'protocol',
  invariant: false,
  steps: ['identity', 'sign-in', 'frames'],
} as const

export const frameMalformed: Check = {
  id: 'frame.malformed',
  title: 'Frames that are none end one connection and no other',
  ...framesChecks,
  catches: 'a parser that crashes',
  minimum: () => malformedCases.length,
  judge: ({ view }) => cases(view, 'frame.malformed'),
}

export const frameSize: Check = {
  id: 'frame.size',
  title: 'The largest frame is read, a larger one refused',
  ...framesChecks,
  catches: 'memory that strangers fill',
  minimum: () => 4,
  judge: ({ view }) => cases(view, 'frame.size'),
}

export const msgInvalid: Check = {
  id: 'msg.invalid',
  title: 'One bad message ends no session, the third does',
  ...framesChecks,
  catches: 'sessions that one message kills',
  minimum: () => 11,
  judge: ({ view }) => cases(view, 'msg.invalid'),
}

/** Why a value does not fit, or a field it has beyond the schema: zod drops those, and the difference shows it. */
export function misfit(schema: z.ZodType, value: unknown): string | null {
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'does not fit'}`
  }
  return extra(value, parsed.data, '')
}

function extra(raw: unknown, known: unknown, path: string): string | null {
  if (typeof raw !== 'object' || raw === null || typeof known !== 'object' || known === null) return null
  for (const [key, value] of Object.entries(raw)) {
    const at = path === '' ? key : `${path}.${key}`
    if (!Object.hasOwn(known, key)) return `${at}: not in the contract`
    const inner = extra(value, Reflect.get(known, key), at)
    if (inner !== null) return inner
  }
  return null
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What each route gives out, of those that a proof asks. */
const shapes: readonly (readonly [request: RegExp, shape: z.ZodType])[] = [
  [/^GET \/version$/, Version],
  [/^GET \/health\/ready$/, Readiness],
  [/^GET \/v1\/session$/, Session],
  [/^GET \/v1\/agents$/, AgentList],
  [/^GET \/v1\/threads$/, ThreadList],
  [/^(POST \/v1\/threads|(GET|PATCH) \/v1\/threads\/[^/]+)$/, Thread],
  [/^GET \/v1\/threads\/[^/]+\/state$/, ThreadState],
  [/^GET \/v1\/threads\/[^/]+\/events$/, EventPage],
  [/^(POST \/v1\/threads\/[^/]+\/runs|GET \/v1\/runs\/[^/]+|POST \/v1\/runs\/[^/]+\/cancel)$/, Run],
  [/^POST \/auth\/e2e\/session$/, SimulatedSession],
]

/** The shape an answer has to have; null: not looked at. */
function shapeOf({ method, path, status }: View['https'][number]): z.ZodType | null {
  if (status === null || status === 204) return null
  if (status >= 400) return path.startsWith('/v1/') || path.startsWith('/health/') ? Problem : null
  const [route] = path.split('?')
  return shapes.find(([request]) => request.test(`${method} ${route}`))?.[1] ?? null
}

export const contractConform: Check = {
  id: 'contract.conform',
  title: 'Every frame and answer is one of the contract',
  group: 'protocol',
  invariant: false,
  steps: ['identity', 'sign-in', 'connect', 'flow'],
  catches: 'fields that were renamed and types that nobody documented',
  minimum: () => 20,
  judge({ view }) {
    const violations: Violation[] = []
    for (const { type, raw, t, conn } of view.received) {
      const why = raw === null ? 'not a JSON object' : misfit(ServerFrame, raw)
      if (why !== null) violations.push({ what: `frame ${type || 'without type'}: ${why}`, t, conn })
    }
    let answers = 0
    for (const line of view.https) {
      const shape = shapeOf(line)
      if (shape === null) continue
      answers += 1
      const why = misfit(shape, json(line.body))
      if (why !== null)
        violations.push({ what: `${line.method} ${line.path} answered ${line.status}: ${why}`, t: line.t })
    }
    for (const { code, reason, t, conn, by } of view.closes) {
      if (by !== 'server' || (code < 4000 && code !== 1012 && code !== 1013)) continue
      const why = misfit(CloseReason, json(reason))
      if (why !== null) violations.push({ what: `the reason of close ${code}: ${why}`, t, conn })
    }
    return {
      situations: view.received.length,
      violations,
      says: `${plural(view.received.length, 'frame')} and ${plural(answers, 'answer')} held against the schemas`,
    }
  },
}

/** The contract the server gave out; undefined: none that can be read. */
export function servedContract(view: View): unknown {
  const line = view.https.find(({ about, status }) => about === 'contract' && status === 200)
  return line === undefined ? undefined : json(line.body)
}

export const contractDiff: Check = {
  id: 'contract.diff',
  title: 'No breaking change of the contract',
  group: 'build',
  invariant: false,
  steps: ['identity'],
  catches: 'changes that break clients which are out there',
  minimum: () => 1,
  judge({ view }) {
    const [reference] = view.facts('reference')
    const served = servedContract(view)
    if (reference === undefined || served === undefined)
      return { situations: 0, violations: [], says: 'no contract that can be read' }
    const diff = diffContracts(reference.contract, served)
    const unclassified = diff.changes.filter(({ kind }) => kind === 'unclassified')
    return {
      situations: diff.compared,
      violations: diff.changes
        .filter(({ kind }) => kind === 'breaking')
        .map(({ rule, path, what }) => ({ what: `${rule}: ${path}: ${what}`, t: 0 })),
      says: `${diff.says} against ${reference.source}`,
      measured: {
        changes: diff.changes.length,
        breaking: diff.changes.filter(({ kind }) => kind === 'breaking').length,
      },
      ...(unclassified.length > 0
        ? { unsure: `${plural(unclassified.length, 'change')} that no rule names: ${unclassified[0]?.path}` }
        : {}),
    }
  },
}

export const idBuild: Check = {
  id: 'id.build',
  title: 'One build answers, and it is the one that was meant',
  group: 'build',
  invariant: false,
  steps: ['identity'],
  catches: 'proving another revision, and mixed fleets',
  minimum: ({ plan }) => plan.identities,
  judge({ view }) {
    const [proof] = view.facts('proof')
    const lines = view.https.filter(({ about }) => about === 'identity')
    const violations: Violation[] = []
    const builds = new Map<string, number>()
    for (const { body, status, t } of lines) {
      const version = Version.safeParse(json(body))
      if (status !== 200 || !version.success) {
        violations.push({
          what: `/version answered ${status ?? 'nothing'} and no version of the contract`,
          t,
        })
        continue
      }
      const { commit, image, contract } = version.data
      builds.set(
        `commit ${commit}, image ${image}`,
        (builds.get(`commit ${commit}, image ${image}`) ?? 0) + 1,
      )
      const served = view.https.find(({ about }) => about === 'contract')?.body ?? ''
      if (createHash('sha256').update(served).digest('hex') !== contract)
        violations.push({ what: '/version names another contract than /v1/contract gives out', t })
      if (proof?.expectCommit != null && !sameCommit(commit, proof.expectCommit))
        violations.push({ what: `commit ${commit}, not ${proof.expectCommit}`, t })
      if (proof?.expectImage != null && image !== proof.expectImage)
        violations.push({ what: `image ${image}, not ${proof.expectImage}`, t })
    }
    if (builds.size > 1)
      violations.push({ what: `${builds.size} builds answer: ${[...builds.keys()].join('; ')}`, t: 0 })
    const [build = 'none'] = builds.keys()
    const nobodySaid = proof?.expectCommit == null && proof?.expectImage == null
    const unknown = nobodySaid && build.includes('commit unknown, image unknown')
    return {
      situations: lines.length,
      violations,
      says: `${build} on ${plural(lines.length, 'fresh connection')}`,
      // On one's own machine it is the working copy; elsewhere nobody knows what was proved.
      ...(unknown && proof?.profile !== 'local'
        ? {
            unsure: 'the server does not say which build it is: set HOLDFAST_COMMIT or HOLDFAST_IMAGE_DIGEST',
          }
        : {}),
      ...(nobodySaid
        ? { notes: ['nobody said which build was meant: --expect-commit, --expect-image'] }
        : {}),
    }
  },
}

const sameCommit = (a: string, b: string): boolean => a !== 'unknown' && (a.startsWith(b) || b.startsWith(a))

const stopped = new Set(['drain', 'crash', 'rollback'])

export const healthEndpoints: Check = {
  id: 'health.endpoints',
  title: 'Alive, ready, and no request ends in a fault',
  group: 'build',
  invariant: false,
  steps: ['identity'],
  catches: 'a green port before a dead database, and 500s that are counted as answers',
  minimum: () => 2,
  judge({ view }) {
    const violations: Violation[] = []
    const probes = view.https.filter(({ about }) => about === 'health')
    for (const { path, status, body, error, t } of probes) {
      const shape =
        path === '/health/ready' ? Readiness.safeParse(json(body)).success : json(body) !== undefined
      if (status !== 200 || !shape)
        violations.push({
          what: `${path} answered ${status ?? error ?? 'nothing'}${status === 200 ? ' in another shape' : ''}`,
          t,
        })
    }
    for (const { status, method, path, t, s, error } of view.https) {
      if (stopped.has(s)) continue
      if (status !== null && status >= 500)
        violations.push({ what: `${method} ${path} answered ${status}`, t })
      if (status === null || error !== null)
        violations.push({ what: `${method} ${path}: ${error ?? 'no answer'}`, t })
    }
    return {
      situations: probes.length,
      violations,
      says: `${plural(view.https.length, 'request')}, ${violations.length} without a good answer`,
    }
  },
}

export const tlsCert: Check = {
  id: 'tls.cert',
  title: 'The certificate is valid, and for two more weeks',
  group: 'build',
  invariant: false,
  steps: ['identity'],
  catches: 'certificates that run out',
  minimum: () => 1,
  judge({ view }) {
    const found = view.facts('tls')
    return {
      situations: found.length,
      violations: found.flatMap(({ authorized, error, validTo, now, t }) => {
        const days = (Date.parse(validTo) - Date.parse(now)) / 86_400_000
        return [
          ...(authorized ? [] : [{ what: `not trusted: ${error ?? 'no reason given'}`, t }]),
          ...(days >= leastDays ? [] : [{ what: `it ends in ${days.toFixed(0)} days (${validTo})`, t }]),
        ]
      }),
      says:
        found.map(({ subject, validTo }) => `${subject}, valid to ${validTo}`).join('; ') ||
        'not a TLS address',
    }
  },
}

const leastDays = 14
