import type { Lab } from '../lab/lab.ts'

/** Cold connects, one after the other and a few at a time, each to its greeting. */
export async function connectStep(lab: Lab): Promise<void> {
  const { people, plan } = lab
  if (people.length === 0) return
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < plan.connects) {
      const person = people[next % people.length]
      next += 1
      if (person === undefined) return
      const socket = await lab.session(person, [], 'cold')
      if (socket !== null) {
        await socket.ping()
        await socket.close()
      }
    }
  }
  await Promise.all([worker(), worker(), worker(), worker()])
}
