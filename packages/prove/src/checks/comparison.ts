import type { Fact, View } from '../history/view.ts'
import { newcombe } from '../statistics/proportions.ts'
import { median } from '../statistics/quantile.ts'
import { hodgesLehmann, holm, shiftBetween, signedRankP } from '../statistics/signed-rank.ts'
import type { Finding, Violation } from './finding.ts'

/** How much slower is slower: relative, and at least so much; of what is quicker than that, twice as slow. */
export const margin = { share: 0.15, leastMs: 20 } as const
const level = 0.025
/** A run this many times the median of the stable build is in the tail; a point more of them is too many. */
const tail = { times: 3, points: 0.01 } as const

export interface MetricComparison {
  readonly metric: string
  readonly pairs: number
  readonly stableMs: number
  readonly candidateMs: number
  /** Of candidate to stable. */
  readonly ratio: { readonly estimate: number; readonly lower: number; readonly upper: number }
  readonly p: number
  readonly pHolm: number
  readonly verdict: 'worse' | 'not worse' | 'unsure'
  readonly tail: {
    readonly candidate: number
    readonly stable: number
    readonly lower: number
    readonly worse: boolean
  }
  /** Ratio of each pair's medians, for the picture. */
  readonly ratios: readonly number[]
  readonly source: 'interleaved' | 'historical'
}

interface Pair {
  readonly candidate: readonly number[]
  readonly stable: readonly number[]
}

function pairsOf(samples: readonly Fact<'sample'>[], metric: string): readonly Pair[] {
  const pairs = new Map<number, { candidate?: readonly number[]; stable?: readonly number[] }>()
  for (const sample of samples) {
    if (sample.metric !== metric || sample.discarded) continue
    pairs.set(sample.pair, { ...pairs.get(sample.pair), [sample.side]: sample.values })
  }
  return [...pairs.values()].flatMap(({ candidate, stable }) =>
    candidate !== undefined && stable !== undefined && candidate.length > 0 && stable.length > 0
      ? [{ candidate, stable }]
      : [],
  )
}

/** Live against live, in paired blocks: what the machine, the network and the hour do, they do to both. */
export function comparisons(view: View): readonly MetricComparison[] {
  const samples = view.facts('sample')
  const metrics = [...new Set(samples.map(({ metric }) => metric))]
  const rows = metrics.map((metric) => {
    const pairs = pairsOf(samples, metric)
    const ratios = pairs.map(({ candidate, stable }) => median(candidate) / Math.max(median(stable), 1e-6))
    const logs = ratios.map(Math.log)
    const stableMs = median(pairs.flatMap(({ stable }) => stable))
    return { metric, pairs, ratios, logs, stableMs, bound: boundOf(stableMs) }
  })
  const adjusted = holm(rows.map(({ logs, bound }) => signedRankP(logs, Math.log(bound))))
  return rows.map(({ metric, pairs, ratios, logs, stableMs, bound }, index) => {
    const location = hodgesLehmann(logs)
    const pHolm = adjusted[index] ?? 1
    const verdict = pHolm <= level ? 'worse' : Math.exp(location.upper) < bound ? 'not worse' : 'unsure'
    return {
      metric,
      pairs: pairs.length,
      stableMs,
      candidateMs: median(pairs.flatMap(({ candidate }) => candidate)),
      ratio: {
        estimate: Math.exp(location.estimate),
        lower: Math.exp(location.lower),
        upper: Math.exp(location.upper),
      },
      p: signedRankP(logs, Math.log(bound)),
      pHolm,
      verdict,
      tail: tailOf(pairs, stableMs),
      ratios,
      source: 'interleaved',
    }
  })
}

/** The ratio above which it counts: 15 %, and what 20 ms are of it, but never more than twice. */
export const boundOf = (stableMs: number): number =>
  Math.max(1 + margin.share, 1 + Math.min(1, margin.leastMs / Math.max(stableMs, 1e-6)))

function tailOf(pairs: readonly Pair[], stableMs: number): MetricComparison['tail'] {
  const slow = (values: readonly number[]): number =>
    values.filter((value) => value > tail.times * stableMs && value > stableMs + margin.leastMs).length
  const candidate = pairs.flatMap((pair) => pair.candidate)
  const stable = pairs.flatMap((pair) => pair.stable)
  const { lower } = newcombe(
    { count: slow(candidate), total: candidate.length },
    { count: slow(stable), total: stable.length },
  )
  return {
    candidate: slow(candidate) / Math.max(candidate.length, 1),
    stable: slow(stable) / Math.max(stable.length, 1),
    lower,
    worse: lower > tail.points,
  }
}

export function compareSamples(view: View): Finding {
  const rows = comparisons(view)
  const failures = failuresOf(view)
  const violations: Violation[] = rows.flatMap(({ metric, verdict, ratio, pHolm, tail: slow }) => [
    ...(verdict === 'worse'
      ? [
          {
            what: `${metric} is ${ratio.estimate.toFixed(2)} × the stable build's (95 %: ${ratio.lower.toFixed(2)} to ${ratio.upper.toFixed(2)}, p ${pHolm.toExponential(1)})`,
            t: 0,
          },
        ]
      : []),
    ...(slow.worse
      ? [
          {
            what: `${metric}: ${(100 * slow.candidate).toFixed(1)} % are more than ${tail.times} × the stable median, ${(100 * slow.stable).toFixed(1)} % of the stable build's`,
            t: 0,
          },
        ]
      : []),
  ])
  if (failures.lower > 0) violations.push({ what: failures.says, t: 0 })
  const unsure = rows.filter(({ verdict }) => verdict === 'unsure').map(({ metric }) => metric)
  return {
    situations: Math.min(...rows.map(({ pairs }) => pairs), rows.length === 0 ? 0 : Number.POSITIVE_INFINITY),
    violations,
    says:
      rows.length === 0
        ? 'nothing to compare with: --against'
        : rows
            .map(
              ({ metric, ratio, verdict }) =>
                `${metric} × ${ratio.estimate.toFixed(2)} (${ratio.lower.toFixed(2)} to ${ratio.upper.toFixed(2)}): ${verdict}`,
            )
            .join('; '),
    ...(unsure.length > 0
      ? { unsure: `${unsure.join(', ')} may be slower or not: more pairs would tell` }
      : failures.difference > 0
        ? { unsure: `${failures.says}: more pairs would tell` }
        : {}),
    ...(failures.any ? { notes: [failures.says] } : {}),
  }
}

/** Runs that did not end in time, side by side. Every metric of a block tells the same number: one of them counts. */
function failuresOf(view: View) {
  const samples = view.facts('sample').filter(({ discarded }) => !discarded)
  const tally = (side: 'candidate' | 'stable'): { count: number; total: number } => {
    const mine = samples.filter((sample) => sample.side === side && sample.metric === samples[0]?.metric)
    const count = mine.reduce((sum, { failed }) => sum + failed, 0)
    return { count, total: count + mine.reduce((sum, { values }) => sum + values.length, 0) }
  }
  const [candidate, stable] = [tally('candidate'), tally('stable')]
  return {
    ...newcombe(candidate, stable),
    any: candidate.count + stable.count > 0,
    says: `${candidate.count} of ${candidate.total} runs did not end in time, ${stable.count} of ${stable.total} of the stable build`,
  }
}

/** Against the numbers of an earlier proof: the hour and the machine are another's, so this never says NO-GO. */
export function historical(
  baseline: Readonly<Record<string, readonly number[]>>,
  now: Readonly<Record<string, readonly number[]>>,
): readonly {
  metric: string
  beforeMs: number
  nowMs: number
  shift: { estimate: number; lower: number; upper: number }
  slower: boolean
}[] {
  return Object.entries(now).flatMap(([metric, values]) => {
    const before = baseline[metric]
    if (before === undefined || before.length < 5 || values.length < 5) return []
    const shift = shiftBetween(values, before)
    const bound = Math.max(margin.leastMs, margin.share * median(before))
    return [{ metric, beforeMs: median(before), nowMs: median(values), shift, slower: shift.lower > bound }]
  })
}
