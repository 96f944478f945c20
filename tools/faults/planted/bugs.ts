/** Where a bug has to be found. */
export const trials = {
  model: 'model.ts: hub, pumps, subscriptions and the connection of the client under schedules',
  runs: 'runs-trial.ts: two workers, a cancel and a take-over on a real store, in one process',
  campaign: 'a short campaign: real processes and sockets',
  cluster:
    'a short cluster campaign: two servers on PostgreSQL, killed in tools, effects, answers and before hints',
  frozen: 'two servers on PostgreSQL, by turns frozen for longer than their leases last',
  busy: 'two servers to whom nothing is done, and tools that keep their process from anything else',
} as const
export type TrialKind = keyof typeof trials

/** One text of one file of the product, and what stands there instead. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string
  readonly from: string
  readonly to: string
}

/** A bug that somebody could write. */
export interface PlantedBug {
  readonly name: string
  readonly trial: TrialKind
  readonly edits: readonly Edit[]
}

const hub = 'packages/server/src/realtime/hub.ts'
const followed = 'packages/server/src/realtime/followed-stream.ts'
const pump = 'packages/server/src/realtime/pump.ts'
const tail = 'packages/server/src/realtime/tail.ts'
const subscriptions = 'packages/server/src/realtime/subscriptions.ts'
const subscription = 'packages/server/src/realtime/active-subscription.ts'
const follower = 'packages/client/src/follower.ts'
const stream = 'packages/client/src/stream.ts'

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'reads before it registers',
    trial: 'model',
    edits: [
      { file: followed, from: '    this.watchers.add(watcher)\n', to: '' },
      {
        file: followed,
        from: '    return this.#followed.tail.read(after, most)\n',
        to: `    return this.#followed.tail.read(after, most).then((page) => {
      this.#followed.watchers.add(this.#watcher)
      return page
    })
`,
      },
    ],
  },
  {
    name: 'clears dirty after the read',
    trial: 'model',
    edits: [
      { file: pump, from: '    this.#dirty = false // U2\n', to: '' },
      {
        file: pump,
        from: '    const last = items.at(-1)\n',
        to: '    this.#dirty = false\n    const last = items.at(-1)\n',
      },
    ],
  },
  {
    name: 'takes the next head for an old one (>= for >)',
    trial: 'model',
    edits: [{ file: pump, from: 'head <= this.#sent &&', to: 'head <= this.#sent + 1 &&' }],
  },
  {
    name: 'wakes only the first follower',
    trial: 'model',
    edits: [
      {
        file: followed,
        from: '[...this.watchers]) watcher.wake',
        to: '[...this.watchers].slice(0, 1)) watcher.wake',
      },
    ],
  },
  {
    name: 'never polls, so that a lost hint is a lost event',
    trial: 'model',
    edits: [{ file: hub, from: '    }, bounds.pollMs)', to: '    }, bounds.pollMs * 1e9)' }],
  },
  {
    name: 'knows a stream by all but the last character of its id',
    trial: 'model',
    edits: [
      {
        file: hub,
        from: 'const followed = streams.get(key) ?? open(key)',
        to: 'const followed = [...streams].find(([known]) => known.slice(0, -1) === key.slice(0, -1))?.[1] ?? open(key)',
      },
    ],
  },
  {
    name: 'joins a question that was put before it asked',
    trial: 'model',
    edits: [{ file: tail, from: 'const fresh = number > before // T1', to: 'const fresh = true' }],
  },
  {
    name: 'counts one too few where the ring has wrapped',
    trial: 'model',
    edits: [
      {
        file: tail,
        from: 'this.#ring.slice(after - first.seq + 1)',
        to: 'this.#ring.slice(Math.max(0, after - first.seq))',
      },
    ],
  },
  {
    name: 'raises sent before it can send',
    trial: 'model',
    edits: [
      {
        file: pump,
        from: '      this.#port.send(items)',
        to: '      if (this.#port.writable()) this.#port.send(items)',
      },
    ],
  },
  {
    name: 'says live before it has caught up',
    trial: 'model',
    edits: [
      {
        file: pump,
        from: '    this.#dirty = false // U2\n',
        to: '    this.#dirty = false\n    if (!this.#live) this.#port.live(this.#sent)\n    this.#live = true\n',
      },
    ],
  },
  {
    name: 'lets two loops of one pump run side by side',
    trial: 'model',
    edits: [
      { file: pump, from: "if (this.#state !== 'idle') return", to: 'if (this.#stopped()) return' },
      { file: subscriptions, from: 'const done = this.#turn.then(task)', to: 'const done = task()' },
    ],
  },
  {
    name: 'leaves the old pump running when a stream is asked for again',
    trial: 'model',
    edits: [{ file: subscription, from: '    this.#watch.end()\n    this.pump.stop()', to: '' }],
  },
  {
    name: 'ignores the epoch of a cursor',
    trial: 'model',
    edits: [{ file: subscriptions, from: 'epoch !== undefined && epoch !== this.#deps.epoch', to: 'false' }],
  },
  {
    name: 'goes on from the event after the next (resume after + 1)',
    trial: 'model',
    edits: [{ file: stream, from: 'position(Math.min(...known))', to: 'position(Math.min(...known) + 1)' }],
  },
  {
    name: 'applies an event again (client, < for <=)',
    trial: 'model',
    edits: [{ file: follower, from: 'else if (seq > applied) {', to: 'else if (seq >= applied) {' }],
  },
  {
    name: 'applies over a gap (client)',
    trial: 'model',
    edits: [
      {
        file: follower,
        from: 'if (seq > applied + 1) whole = false',
        to: 'if (seq > applied + 9) whole = false',
      },
    ],
  },
  {
    name: 'appends without asking for the lease (missing fence)',
    trial: 'runs',
    edits: [
      {
        file: 'packages/server/src/log/append-statement.ts',
        from: `and h.lease_epoch = c.lease_epoch
        and case when c.change = 'claim' then h.claimable else h.running end) as lease_holds`,
        to: ') as lease_holds',
      },
    ],
  },
  {
    name: 'ends a cancelled run without its terminal event',
    trial: 'runs',
    edits: [
      {
        file: 'packages/server/src/runs/settle-run.ts',
        from: "return writer.write([...closed, { type: 'agent_cancelled', data: { by: stop.by } }])",
        to: 'return closed.length > 0 ? writer.write(closed) : undefined',
      },
    ],
  },
  {
    name: 'takes the next step before the last is committed',
    trial: 'runs',
    edits: [
      {
        file: 'packages/server/src/runs/run-writer.ts',
        from: '      await log.append({',
        to: `      if (!events.some(isTerminal)) setTimeout(() => void log.append({ ...command, fence: null }), 5)
      else await log.append({`,
      },
    ],
  },
  {
    name: 'stops as if it went away, without saying when to come back (1001 for 1012)',
    trial: 'campaign',
    edits: [
      {
        file: 'packages/server/src/realtime/session-transitions.ts',
        from: "end(1012, { r: 'drain'",
        to: "end(1001, { r: 'drain'",
      },
    ],
  },
  {
    name: 'reads seq >= after in SQL',
    trial: 'campaign',
    edits: [{ file: 'packages/server/src/log/read-statements.ts', from: 'seq > $2', to: 'seq >= $2' }],
  },
  {
    name: 'finds a thread whoever its owner is',
    trial: 'campaign',
    edits: [
      {
        file: 'packages/server/src/log/create-threads.ts',
        from: `.selectAll()
          .where('id', '=', threadId)
          .where('owner', '=', userId)
`,
        to: `.selectAll()
          .where('id', '=', threadId)
`,
      },
    ],
  },
  {
    name: 'runs an effect again whose outcome is not known',
    trial: 'cluster',
    edits: [
      {
        file: 'packages/server/src/tools/run-tool.ts',
        from: "      return 'outcome_unknown'",
        to: "      return 'run_again'",
      },
    ],
  },
  {
    name: 'ends a run a second after the event that says so (state and event not in one commit)',
    trial: 'cluster',
    edits: [
      {
        file: 'packages/server/src/log/store-group.ts',
        from: '      return { change: change.kind, status: change.status }',
        to: '      return {}',
      },
      {
        file: 'packages/server/src/log/store-group.ts',
        from: '  return {\n    outcomes: group.map(',
        to: `  for (const { command } of group)
    if (command.change?.kind === 'end') {
      const { status } = command.change
      const ended = db.updateTable('runs').set({ status }).where('id', '=', command.runId)
      setTimeout(() => ended.execute().catch(() => {}), 1_000)
    }
  return {
    outcomes: group.map(`,
      },
    ],
  },
  {
    name: 'appends without asking for the lease (missing fence), on two servers',
    trial: 'frozen',
    edits: [
      {
        file: 'packages/server/src/log/append-statement.ts',
        from: "h.lease_epoch = c.lease_epoch\n        and case when c.change = 'claim' then h.claimable else h.running end) as lease_holds",
        to: "(c.change is null or h.lease_epoch = c.lease_epoch\n        and case when c.change = 'claim' then h.claimable else h.running end)) as lease_holds",
      },
    ],
  },
  {
    name: 'trusts NOTIFY and never polls',
    trial: 'cluster',
    edits: [{ file: hub, from: '    }, bounds.pollMs)', to: '    }, bounds.pollMs * 1_000)' }],
  },
  {
    name: 'renews leases from the thread that tools run on',
    trial: 'busy',
    edits: [
      {
        file: 'packages/server/src/compose.ts',
        from: 'databaseUrl === null ? timerHeartbeat',
        to: 'databaseUrl !== undefined ? timerHeartbeat',
      },
    ],
  },
]

export function bugNamed(name: string): PlantedBug {
  const bug = plantedBugs.find((candidate) => candidate.name === name)
  if (bug === undefined) throw new Error(`There is no planted bug named ${JSON.stringify(name)}`)
  return bug
}
