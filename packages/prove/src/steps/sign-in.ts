import { proofAgentName } from '@holdfast/protocol'
import { e2ePaths } from '@holdfast/protocol/e2e'
import type { Lab, Person } from '../lab/lab.ts'
import { signSimulation } from '../lab/simulation.ts'
import { patiently } from './patiently.ts'

const nameOf = (lab: Lab, index: number): string => `prove-${lab.id}-u${String(index + 1).padStart(2, '0')}`

/** Personas the simulation knows; each run of it has its own users. */
const personas = ['alice', 'bob'] as const

/** Makes the people of the proof, and finds out whether the proof agent is there for them. */
export async function signInStep(lab: Lab): Promise<void> {
  if (lab.simulation === null) await byTokens(lab)
  else await bySimulation(lab)
  for (const { name, userId, kind } of lab.people) lab.recorder.fact('person', { user: name, userId, kind })
  const [first] = lab.people
  if (first === undefined) return
  const agents = (await lab.http(first, { path: '/v1/agents', about: 'agents' })).json()?.['items']
  lab.scripted =
    Array.isArray(agents) &&
    agents.some(
      (agent: unknown) =>
        typeof agent === 'object' && agent !== null && Reflect.get(agent, 'name') === proofAgentName,
    )
  await leftovers(lab)
}

/** One token may stand for several people: they share a user, and are told apart by their threads. */
async function byTokens(lab: Lab): Promise<void> {
  for (const [index, token] of lab.tokens.entries()) lab.recorder.secret(`token${index + 1}`, token)
  if (lab.tokens.length === 0) return
  const known = new Map<string, Pick<Person, 'userId' | 'kind'>>()
  for (let index = 0; index < Math.max(lab.plan.users, lab.tokens.length); index += 1) {
    const token = lab.tokens[index % lab.tokens.length] ?? ''
    const session = known.get(token) ?? (await sessionOf(lab, token))
    if (session === null) continue
    known.set(token, session)
    lab.people.push({ name: nameOf(lab, index), token, ...session })
  }
}

async function bySimulation(lab: Lab): Promise<void> {
  if (lab.simulation !== null) lab.recorder.secret('simulation-key', lab.simulation.key)
  for (let index = 0; index < lab.plan.users; index += 1) {
    const person = await simulatedPerson(lab, nameOf(lab, index), index)
    if (person !== null) lab.people.push(person)
  }
}

/** null: nobody is simulated there, or not with this key. */
export async function simulatedPerson(lab: Lab, name: string, index: number): Promise<Person | null> {
  const { simulation, recorder } = lab
  if (simulation === null) return null
  const body = { persona: personas[index % personas.length] ?? 'alice', run: name, mode: 'token' }
  const answer = await patiently(lab, () =>
    lab.http(null, {
      method: 'POST',
      path: e2ePaths.session,
      headers: signSimulation(lab, simulation, {
        method: 'POST',
        path: e2ePaths.session,
        body: JSON.stringify(body),
      }),
      body,
      about: 'simulate',
    }),
  )
  const token = answer.json()?.['token']
  if (typeof token !== 'string') return null
  recorder.secret(name, token)
  const session = await sessionOf(lab, token)
  return session === null ? null : { name, token, ...session }
}

export async function sessionOf(lab: Lab, token: string): Promise<Pick<Person, 'userId' | 'kind'> | null> {
  const session = (await lab.http(null, { path: '/v1/session', token, about: 'session' })).json()
  const { user: userId, kind, tier } = session ?? {}
  if (typeof tier === 'string') lab.tier = tier
  return typeof userId === 'string' && typeof kind === 'string' ? { userId, kind } : null
}

/** Threads of a proof that was interrupted: its name is on them, and no person names a thread so. */
async function leftovers(lab: Lab): Promise<void> {
  const [first] = lab.people
  if (first === undefined || first.kind === 'user') return
  const items = (await lab.http(first, { path: '/v1/threads', about: 'leftovers' })).json()?.['items']
  if (!Array.isArray(items)) return
  for (const item of items as { id?: unknown; title?: unknown }[])
    if (typeof item.id === 'string' && /^prove-[0-9a-f]{10}-u\d\d$/.test(String(item.title)))
      await lab.http(first, { method: 'DELETE', path: `/v1/threads/${item.id}`, about: 'leftovers' })
}
