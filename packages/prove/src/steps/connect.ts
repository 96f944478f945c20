import { type Lab, together } from '../lab/lab.ts'

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
  await together([worker(), worker(), worker(), worker()])
  await turnedAway(lab)
}

/** Where a server turns somebody away at once, how it says so counts as met. */
async function turnedAway(lab: Lab): Promise<void> {
  const [person] = lab.people
  if (person === undefined) return
  const future = await lab.socket(person, { protocols: ['holdfast.v999'], about: 'another version' })
  await future.closed(soonMs)
  await future.close()
  const instance = `${lab.id}-twice`
  const first = await lab.socket(person, { about: 'superseded' })
  first.send({ type: 'hello', instance })
  await first.wait(({ type }) => type === 'ready', lab.plan.patienceMs)
  const second = await lab.socket(person, { about: 'supersedes' })
  second.send({ type: 'hello', instance })
  await second.wait(({ type }) => type === 'ready', lab.plan.patienceMs)
  await first.closed(soonMs)
  await first.close()
  await second.close()
}

const soonMs = 400
