/**
 * A made-up month of AI usage, one row a request, the same for the same seed: for first steps and for benchmarks.
 * Its shape is that of a gateway's log; names and numbers are invented. Planted in it, so that there is something
 * to find: one feature that spends most of the money at night, and two slow hours of one model.
 */
export interface SampleOptions {
  /** Data rows. Default 5,000. */
  readonly rows?: number
  /** Default 1. */
  readonly seed?: number
}

interface Model {
  readonly name: string
  readonly provider: string
  /** USD per million tokens. */
  readonly inputPrice: number
  readonly outputPrice: number
  readonly msPerToken: number
}

interface Feature {
  readonly name: string
  readonly model: Model
  readonly share: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Hour of the day (UTC) around which it is busiest. */
  readonly busyHour: number
}

const large: Model = { name: 'gpt-5', provider: 'openai', inputPrice: 1.25, outputPrice: 10, msPerToken: 11 }
const small: Model = {
  name: 'gpt-5-mini',
  provider: 'openai',
  inputPrice: 0.25,
  outputPrice: 2,
  msPerToken: 6,
}
const sonnet: Model = {
  name: 'claude-sonnet-4-5',
  provider: 'anthropic',
  inputPrice: 3,
  outputPrice: 15,
  msPerToken: 14,
}

const digest: Feature = {
  name: 'nightly_digest',
  model: large,
  share: 0.2,
  inputTokens: 5200,
  outputTokens: 620,
  busyHour: 2,
}
const features: readonly Feature[] = [
  digest,
  { name: 'support_bot', model: sonnet, share: 0.25, inputTokens: 1400, outputTokens: 260, busyHour: 14 },
  { name: 'chat', model: large, share: 0.2, inputTokens: 700, outputTokens: 310, busyHour: 15 },
  { name: 'classify', model: small, share: 0.35, inputTokens: 420, outputTokens: 6, busyHour: 11 },
]
const tenants = ['northwind', 'northwind', 'northwind', 'contoso', 'contoso', 'tailspin'] as const

const columns =
  'request_id,timestamp,model,provider,tenant,feature,status,prompt_tokens,completion_tokens,cost_usd,latency_ms,ttft_ms'
const firstDay = Date.UTC(2026, 8, 1)
const days = 30
const hourMs = 3_600_000
const slow = {
  from: firstDay + 17 * 24 * hourMs + 13 * hourMs,
  to: firstDay + 17 * 24 * hourMs + 15 * hourMs,
  times: 4,
}

/** Lines of CSV with their line breaks, header first, rows in the order of time. */
export function* sampleUsage({
  rows = 5_000,
  seed = 1,
}: SampleOptions = {}): Generator<string, void, undefined> {
  const random = mulberry32(seed)
  yield `${columns}\n`
  for (let row = 0; row < rows; row += 1) {
    // Evenly through the month, with jitter inside a row's own slot: sorted without sorting.
    const timeMs = Math.floor(firstDay + ((row + random()) / rows) * days * 24 * hourMs)
    const feature = pickFeature(random, new Date(timeMs).getUTCHours())
    const { model } = feature
    const input = Math.round(feature.inputTokens * spread(random))
    const wantedOutput = Math.max(1, Math.round(feature.outputTokens * spread(random)))
    const status = random() < 0.02 ? 429 : 200
    const output = status === 200 ? wantedOutput : 0
    const cost = status === 200 ? (input * model.inputPrice + output * model.outputPrice) / 1e6 : 0
    const slowdown = model === sonnet && timeMs >= slow.from && timeMs < slow.to ? slow.times : 1
    const ttft = Math.round((250 + input * 0.06) * spread(random) * slowdown)
    const latency = status === 200 ? ttft + Math.round(output * model.msPerToken * slowdown) : 60
    const tenant = tenants[Math.floor(random() * tenants.length)] ?? tenants[0]
    yield `req_${String(row).padStart(7, '0')},${new Date(timeMs).toISOString()},${model.name},${model.provider},${tenant},${feature.name},${status},${input},${output},${Number(cost.toFixed(8))},${latency},${status === 200 ? ttft : ''}\n`
  }
}

/** By share, and three times as likely within three hours of the feature's busy hour. */
function pickFeature(random: () => number, hour: number): Feature {
  const weights = features.map(({ share, busyHour }) => {
    const distance = Math.min(Math.abs(hour - busyHour), 24 - Math.abs(hour - busyHour))
    return share * (distance <= 3 ? 3 : 1)
  })
  let rest = random() * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [index, feature] of features.entries()) {
    rest -= weights[index] ?? 0
    if (rest < 0) return feature
  }
  // Rounding can leave a rest just above zero after the last.
  return features.at(-1) ?? digest
}

/** A factor around 1 with a long right tail, as token counts and latencies have. */
function spread(random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Math.exp(0.45 * normal)
}

/** Mulberry32: a small public-domain generator, enough for sample data and the same on every platform. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
