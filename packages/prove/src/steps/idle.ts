import { latenessMs } from '../checks/connection-checks.ts'
import { isTerminal, type Lab, pause, threadStream } from '../lab/lab.ts'
import type { ProofSocket } from '../wire/socket.ts'

export interface Idler {
  /** Waits until the socket was idle long enough, then uses it. */
  finish(): Promise<void>
}

/** A connection that is opened early, left alone, and used at the end: what a proxy does to idle ones shows there. */
export async function openIdler(lab: Lab): Promise<Idler | null> {
  const person = lab.people.at(-1)
  if (person === undefined) return null
  const step = lab.recorder.step
  lab.recorder.step = 'idle'
  try {
    const thread = await lab.newThread(person)
    if (thread === null) return null
    const socket = await lab.session(person, [{ stream: threadStream(thread), after: 0 }], 'idle')
    if (socket === null) return null
    const began = performance.now()
    return {
      async finish() {
        const idle = Math.min(
          idleMs(lab, socket) - (performance.now() - began),
          lab.deadline.at - performance.now(),
        )
        await pause(Math.max(0, idle))
        const alive = socket.isOpen
        const rtt = await socket.ping()
        const submitted = alive
          ? await lab.submit(person, thread, { do: 'echo' }, { conn: socket.conn })
          : null
        const served =
          submitted !== null &&
          (await socket.wait((frame) => isTerminal(frame, submitted.run), lab.plan.patienceMs)) !== null
        const idleS = ((performance.now() - began) / 1000).toFixed(1)
        const documented = alive ? null : await socket.closed(0)
        lab.recorder.fact('case', {
          check: 'idle.proxy',
          name: 'a connection that nothing was asked of',
          expected: 'alive and served, or closed with a documented code',
          seen: alive
            ? served
              ? `served after ${idleS} s`
              : `open after ${idleS} s, and silent`
            : `close ${documented?.code ?? 'none'}`,
          ok: alive ? served : documented !== null && documented.code !== 1006,
          strict: true,
        })
        if (alive)
          lab.recorder.fact('case', {
            check: 'ws.keepalive',
            name: 'a ping of ours',
            expected: 'a pong',
            seen: rtt === null ? 'none' : `after ${rtt.toFixed(1)} ms`,
            ok: rtt !== null,
            strict: true,
          })
        await lab.readLog(person, thread)
        await socket.close()
      },
    }
  } finally {
    lab.recorder.step = step
  }
}

/** Long enough for a ping of the server, whatever interval it names; at least what the plan says. */
function idleMs({ plan }: Lab, socket: ProofSocket): number {
  const heartbeat = socket.frames.find(({ type }) => type === 'ready')?.['heartbeatMs']
  const ping = typeof heartbeat === 'number' ? heartbeat * 1.2 + latenessMs + 100 : 0
  return Math.min(Math.max(plan.idleMs, ping), plan.totalMs / 2)
}
