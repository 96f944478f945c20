import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { newSimulationKey } from '@holdfast/protocol/e2e'
import { freePort, start, temporaryDirectory } from '../../packages/cli/src/holdfast.test-support.ts'
import { prove } from '../../packages/prove/src/prove.ts'
import { count, loadAverage, median, table } from './table.ts'

const help = `npm run bench -- prove [options]

  --times 20      how often the build is compared with itself
  --pairs 20      paired blocks of each comparison
  --pair-runs 10  runs a side in each block

What \`prove --against\` says of an unchanged build: two servers of this tree, each with a store of its own, compared again
and again. Every "worse" is a false alarm, and one of them makes the command end with 1. "Unsure" asks for more pairs.`

const commit = '0'.repeat(40)

/** A build beside itself: two processes, so that neither is warmer, older or nearer than the other. */
async function deploy(key: string) {
  await using opened = new AsyncDisposableStack()
  const directory = opened.use(await temporaryDirectory())
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const server = opened.use(
    start(['serve', '--port', String(port), '--data-dir', join(directory.path, 'data')], {
      env: {
        HOLDFAST_ENV: 'test',
        HOLDFAST_COMMIT: commit,
        E2E_SIMULATION_ENABLED: 'true',
        E2E_SIMULATION_HOST: host,
        E2E_OAUTH_SIMULATION_KEY: key,
      },
    }),
  )
  await server.saw(/Ctrl-C/)
  const owned = opened.move()
  return { url: `http://${host}`, host, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** False alarms of the comparison, on an unchanged build. */
export async function benchProve(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      times: { type: 'string', default: '20' },
      pairs: { type: 'string', default: '20' },
      'pair-runs': { type: 'string', default: '10' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(help)
  const times = Number(values.times)
  console.log(`Node ${process.version}, ${availableParallelism()} cores, load average ${loadAverage()}`)
  console.log(`This build beside itself, ${times} times, each in ${values.pairs} pairs\n`)
  const key = newSimulationKey()
  await using candidate = await deploy(key)
  await using stable = await deploy(key)

  const found = new Map<string, { readonly ratios: number[]; worse: number; unsure: number; tails: number }>()
  const began = performance.now()
  for (let time = 1; time <= times; time += 1) {
    const { proof } = await prove({
      url: candidate.url,
      against: stable.url,
      profile: 'staging',
      simulation: { key, host: candidate.host },
      // One user is compared. And on a machine of its own a prover discards what it measured while it stood still for a
      // quarter of a second: here both sides do.
      plan: { users: 1, pairs: Number(values.pairs), pairRuns: Number(values['pair-runs']), stallMs: 5_000 },
      only: ['identity', 'sign-in', 'compare'],
    })
    if (proof.comparison.length === 0) throw new Error(`Nothing was compared: ${proof.reasons.join('; ')}`)
    for (const { metric, ratio, verdict, tail } of proof.comparison) {
      const row = found.get(metric) ?? { ratios: [], worse: 0, unsure: 0, tails: 0 }
      row.ratios.push(ratio.estimate ?? Number.NaN)
      if (verdict === 'worse') row.worse += 1
      if (verdict === 'unsure') row.unsure += 1
      if (tail.worse) row.tails += 1
      found.set(metric, row)
    }
    const says = proof.comparison.map(
      ({ metric, ratio, verdict }) => `${metric} × ${ratio.estimate?.toFixed(2)} ${verdict}`,
    )
    console.error(`${time} of ${times}: ${says.join(', ')}`)
  }

  console.log(
    table(
      ['of an unchanged build', 'ratio, median', 'least', 'most', 'worse', 'tail worse', 'unsure'],
      [...found].map(([metric, { ratios, worse, unsure, tails }]) => [
        metric,
        `${median(ratios).toFixed(2)}×`,
        `${Math.min(...ratios).toFixed(2)}×`,
        `${Math.max(...ratios).toFixed(2)}×`,
        worse,
        tails,
        unsure,
      ]),
    ),
  )
  const alarms = [...found.values()].reduce((sum, { worse, tails }) => sum + worse + tails, 0)
  console.log(
    `\n${alarms} false alarms in ${times} comparisons (goal 0), ${count((performance.now() - began) / 1000)} s; load average at the end ${loadAverage()}`,
  )
  if (alarms > 0) process.exitCode = 1
}
