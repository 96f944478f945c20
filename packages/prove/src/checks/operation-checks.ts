import { compareSamples } from './comparison.ts'
import { type Check, cases, plural } from './finding.ts'
import { momentFinding } from './flow-checks.ts'

export const slowConsumer: Check = {
  id: 'slow.consumer',
  title: 'Who reads too slowly harms nobody else, and loses nothing',
  group: 'concurrency',
  invariant: false,
  steps: ['identity', 'sign-in', 'slow'],
  catches: 'buffers without bounds',
  minimum: () => 2,
  judge: (context) => momentFinding(context, 'slow.consumer', 'slow'),
}

export const limitsRate: Check = {
  id: 'limits.rate',
  title: 'Too much at once is refused as documented',
  group: 'protocol',
  invariant: false,
  steps: ['identity', 'sign-in', 'rate'],
  catches: 'limits that are not there',
  minimum: () => 2,
  judge: ({ view }) => cases(view, 'limits.rate'),
}

const hooked = { group: 'operations', invariant: false } as const

export const drainRolling: Check = {
  id: 'drain.rolling',
  title: 'A server that is told to stop lets go politely, and every run ends',
  ...hooked,
  steps: ['identity', 'sign-in', 'drain'],
  catches: 'users cut off at SIGTERM',
  minimum: () => 2,
  judge: (context) => momentFinding(context, 'drain.rolling', 'drain'),
}

export const crashDurable: Check = {
  id: 'crash.durable',
  title: 'After kill -9 everything that was shown is there',
  ...hooked,
  steps: ['identity', 'sign-in', 'crash'],
  catches: 'what was acknowledged and then lost',
  minimum: () => 2,
  judge: (context) => momentFinding(context, 'crash.durable', 'crash'),
}

export const rollbackRehearse: Check = {
  id: 'rollback.rehearse',
  title: 'The way back was taken once',
  ...hooked,
  steps: ['identity', 'sign-in', 'rollback'],
  catches: 'a way back that exists on paper',
  minimum: () => 1,
  judge: (context) => momentFinding(context, 'rollback.rehearse', 'rollback'),
}

export const cleanResidue: Check = {
  id: 'clean.residue',
  title: 'Nothing of the proof is left',
  ...hooked,
  steps: ['identity', 'sign-in', 'flow'],
  catches: 'environments that fill up with tests',
  minimum: () => 2,
  judge: ({ view }) => cases(view, 'clean.residue'),
}

export const toolHealth: Check = {
  id: 'tool.health',
  title: 'The machine that proved kept up',
  group: 'prover',
  invariant: false,
  steps: ['identity'],
  catches: 'blaming the server for the runner',
  minimum: () => 1,
  judge({ view, plan }) {
    const blocks = view.facts('block')
    const stalled = blocks.filter(({ stallMs }) => stallMs > plan.stallMs)
    const most = Math.max(0, ...blocks.map(({ stallMs }) => stallMs))
    const cpu = blocks.reduce((sum, block) => sum + block.cpu, 0) / Math.max(blocks.length, 1)
    return {
      situations: blocks.length,
      violations: [],
      says: `${plural(blocks.length, 'block')}, ${stalled.length} stalled for more than ${plan.stallMs} ms (longest ${Math.round(most)} ms), CPU ${Math.round(cpu * 100)} % of one core`,
      measured: { blocks: blocks.length, stalled: stalled.length, longestMs: most },
      ...(blocks.length > 0 && stalled.length * 2 >= blocks.length
        ? { unsure: 'this machine stood still in half of the blocks or more; prove from a quieter one' }
        : {}),
    }
  },
}

export const perfCompare: Check = {
  id: 'perf.compare',
  title: 'Not slower than the stable build',
  group: 'build',
  invariant: false,
  steps: ['identity', 'sign-in', 'compare'],
  catches: 'slowdowns',
  minimum: ({ plan, view }) => (view.facts('sample').length > 0 ? Math.ceil(plan.pairs * 0.8) : 1),
  judge(context) {
    return compareSamples(context.view)
  },
}
