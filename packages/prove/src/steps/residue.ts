import { e2ePaths } from '@holdfast/protocol/e2e'
import type { Lab } from '../lab/lab.ts'
import { signSimulation } from '../lab/simulation.ts'
import { patiently } from './patiently.ts'

/** Everything that was made is taken away, and looked for afterwards. */
export async function residueStep(lab: Lab): Promise<void> {
  await removeThreads(lab)
  for (const person of uniqueUsers(lab)) {
    const items = (await lab.http(person, { path: '/v1/threads', about: 'left' })).json()?.['items']
    const left = Array.isArray(items)
      ? items.filter((item: unknown) =>
          String(Reflect.get(Object(item), 'title')).startsWith(`prove-${lab.id}-`),
        )
      : null
    lab.recorder.fact('case', {
      check: 'clean.residue',
      name: `threads of ${person.name} afterwards`,
      expected: 'none of this proof',
      seen: left === null ? 'no list' : `${left.length}`,
      ok: left?.length === 0,
      strict: true,
    })
  }
  for (const one of [lab, ...lab.abroad]) await purgeSimulated(one, lab)
}

/** The threads of the proof, and not its users: a diagnosis needs those again. */
export async function removeThreads(lab: Lab): Promise<void> {
  for (const { person, thread } of lab.threads) {
    const removed = await lab.http(person, {
      method: 'DELETE',
      path: `/v1/threads/${thread}`,
      about: 'remove',
    })
    const after = await lab.http(person, { path: `/v1/threads/${thread}`, about: 'removed' })
    lab.recorder.fact('case', {
      check: 'clean.residue',
      name: thread,
      expected: 'removed: 204, then 404',
      seen: `${removed.status}, then ${after.status}`,
      // Gone before us is gone, too.
      ok: (removed.status === 204 || removed.status === 404) && after.status === 404,
      strict: true,
    })
  }
}

const uniqueUsers = ({ people }: Lab) => [
  ...new Map(people.map((person) => [person.userId, person])).values(),
]

async function purgeSimulated(lab: Lab, { recorder, url }: Lab): Promise<void> {
  const { simulation } = lab
  if (simulation === null) return
  for (const { name } of lab.people) {
    const path = e2ePaths.run(name)
    const purged = await patiently(lab, () =>
      lab.http(null, {
        method: 'DELETE',
        path,
        headers: signSimulation(lab, simulation, { method: 'DELETE', path, body: '' }),
        about: 'purge',
      }),
    )
    const { status } = purged
    recorder.fact('case', {
      check: 'clean.residue',
      name: `simulated users of ${name}${lab.url === url ? '' : ' on the stable build'}`,
      expected: '200 or 204',
      seen: String(status),
      ok: status === 200 || status === 204,
      strict: true,
    })
  }
}
