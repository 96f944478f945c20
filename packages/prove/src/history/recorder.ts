import type { FactName, Facts, Line } from './lines.ts'

export const historyLimits = {
  /** A text is kept up to here; what came beyond it is counted and not kept. */
  textBytes: 2 * 1024 * 1024,
  /** The whole of a history; a server that says more than this is not heard out. */
  totalBytes: 256 * 1024 * 1024,
} as const

export class HistoryFullError extends Error {
  override readonly name = 'HistoryFullError'
}

/** Of a full history: what cleaning up asks is still written down, a text of it up to here. */
const tidyingBytes = 1_000
const tidyingStep = 'residue'

type WithoutTime<One> = One extends unknown ? Omit<One, 't' | 's'> : never
export type NewLine = WithoutTime<Line>

export interface Recorder {
  readonly lines: readonly Line[]
  /** Something could not be written down any more; facts, and what cleaning up asks, still are. */
  readonly isFull: boolean
  /** The step that lines belong to from now on. */
  step: string
  /** @throws {HistoryFullError} */
  add(line: NewLine): void
  /** Always written: there are few, and what a verdict follows from must not be crowded out. */
  fact<Name extends FactName>(name: Name, data: Facts[Name]): void
  /** Never written from now on, wherever it turns up (H2). */
  secret(name: string, value: string): void
  /** An empty one for what is not part of the history; it knows the same secrets. */
  aside(): Recorder
  nowNs(): number
  nextId(): number
}

export function createRecorder({
  totalBytes = historyLimits.totalBytes as number,
  secrets = new Map<string, string>(),
} = {}): Recorder {
  const lines: Line[] = []
  const clockNs = (): number => performance.now() * 1e6
  const began = clockNs()
  let bytes = 0
  let ids = 0
  let isFull = false

  const clean = (text: string, most: number = historyLimits.textBytes): string => {
    let cleaned = text.length > most ? text.slice(0, most) : text
    for (const [value, name] of secrets)
      if (cleaned.includes(value)) cleaned = cleaned.replaceAll(value, `[secret:${name}]`)
    return cleaned
  }
  const cleanDeep = (value: unknown, most?: number): unknown => {
    if (typeof value === 'string') return clean(value, most)
    if (Array.isArray(value)) return value.map((inner) => cleanDeep(inner, most))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleanDeep(inner, most)]))
  }
  const timed = (line: NewLine, most?: number): Line =>
    cleanDeep({ t: Math.round(clockNs() - began), s: recorder.step, ...line }, most) as Line

  const recorder: Recorder = {
    lines,
    step: 'begin',
    get isFull() {
      return isFull
    },
    add(line) {
      const whole = timed(line)
      // As it is written: what JSON escapes is up to six times as long.
      bytes += JSON.stringify(whole).length
      isFull ||= bytes > totalBytes
      if (!isFull) lines.push(whole)
      else if (recorder.step === tidyingStep) lines.push(timed(line, tidyingBytes))
      else throw new HistoryFullError(`The history holds more than ${totalBytes} bytes`)
    },
    fact: (name, data) => void lines.push(timed({ k: 'fact', name, data: data as never })),
    secret(name, value) {
      // Short ones would be found in innocent text.
      if (value.length >= 16) secrets.set(value, name)
    },
    aside: () => createRecorder({ totalBytes, secrets }),
    nowNs: () => Math.round(clockNs() - began),
    nextId: () => (ids += 1),
  }
  return recorder
}
