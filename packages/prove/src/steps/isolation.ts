import type { Lab, Person } from '../lab/lab.ts'
import { threadStream } from '../lab/lab.ts'

/** Somebody uses another user's ids, and ids of nobody: both are answered alike. */
export async function isolationStep(lab: Lab): Promise<void> {
  const [owner] = lab.people
  const stranger = lab.people.find(({ userId }) => userId !== owner?.userId)
  if (owner === undefined || stranger === undefined) return
  const thread = await lab.newThread(owner)
  if (thread === null) return
  const submitted = await lab.submit(owner, thread, { do: 'echo' })
  if (submitted === null) return
  await lab.ended(owner, submitted.run)
  await overHttp(lab, stranger, thread, submitted.run)
  await overSocket(lab, stranger, thread)
}

const nobodys = { thread: `thr_${'0'.repeat(26)}`, run: `run_${'0'.repeat(26)}` }

async function overHttp(lab: Lab, stranger: Person, thread: string, run: string): Promise<void> {
  const requests = (ids: { thread: string; run: string }) =>
    [
      ['GET', `/v1/threads/${ids.thread}`, undefined],
      ['GET', `/v1/threads/${ids.thread}/state`, undefined],
      ['GET', `/v1/threads/${ids.thread}/events`, undefined],
      ['PATCH', `/v1/threads/${ids.thread}`, { title: 'taken' }],
      ['POST', `/v1/threads/${ids.thread}/runs`, { message: 'hello' }],
      ['GET', `/v1/runs/${ids.run}`, undefined],
      ['POST', `/v1/runs/${ids.run}/cancel`, {}],
      ['DELETE', `/v1/threads/${ids.thread}`, undefined],
    ] as const
  const foreign = requests({ thread, run })
  const missing = requests(nobodys)
  for (const [index, [method, path, body]] of foreign.entries()) {
    const [, nowhere = '/'] = missing[index] ?? []
    const options = body === undefined ? {} : { body }
    const seen = await lab.http(stranger, { method, path, about: 'foreign', ...options })
    const control = await lab.http(stranger, { method, path: nowhere, about: 'missing', ...options })
    const alike = seen.status === control.status && codeOf(seen.json()) === codeOf(control.json())
    lab.recorder.fact('case', {
      check: 'iso.cross-read',
      name: `${method} ${path.replace(thread, ':thread').replace(run, ':run')}`,
      expected: '404, as for an id of nobody',
      seen: `${seen.status} ${codeOf(seen.json())}; of nobody ${control.status} ${codeOf(control.json())}`,
      ok: seen.status === 404 && alike,
      strict: true,
    })
  }
}

const codeOf = (body: Readonly<Record<string, unknown>> | null): string => String(body?.['code'] ?? '')

async function overSocket(lab: Lab, stranger: Person, thread: string): Promise<void> {
  const socket = await lab.session(stranger, [], 'foreign')
  if (socket === null) return
  for (const after of ['start', 'head', 1] as const) {
    const before = socket.frames.length
    socket.send({ type: 'sub', stream: threadStream(thread), after })
    const answer = await socket.wait(
      (frame) => socket.frames.indexOf(frame) >= before && frame['stream'] === threadStream(thread),
      lab.plan.patienceMs,
    )
    const seen = answer === null ? 'nothing' : String(answer['code'] ?? answer['type'])
    lab.recorder.fact('case', {
      check: 'iso.cross-read',
      name: `subscribe after ${after}`,
      expected: 'not_found',
      seen,
      ok: seen === 'not_found',
      strict: true,
    })
  }
  await socket.close()
}
