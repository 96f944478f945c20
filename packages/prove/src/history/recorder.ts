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

type WithoutTime<One> = One extends unknown ? Omit<One, 't' | 's'> : never
export type NewLine = WithoutTime<Line>

export interface Recorder {
  readonly lines: readonly Line[]
  /** The step that lines belong to from now on. */
  step: string
  add(line: NewLine): void
  fact<Name extends FactName>(name: Name, data: Facts[Name]): void
  /** Never written from now on, wherever it turns up (H2). */
  secret(name: string, value: string): void
  nowNs(): number
  nextId(): number
}

export function createRecorder(clockNs: () => number = () => performance.now() * 1e6): Recorder {
  const lines: Line[] = []
  const secrets = new Map<string, string>()
  const began = clockNs()
  let bytes = 0
  let ids = 0

  const clean = (text: string): string => {
    let cleaned = text.length > historyLimits.textBytes ? text.slice(0, historyLimits.textBytes) : text
    for (const [value, name] of secrets)
      if (cleaned.includes(value)) cleaned = cleaned.replaceAll(value, `[secret:${name}]`)
    return cleaned
  }
  const cleanDeep = (value: unknown): unknown => {
    if (typeof value === 'string') return clean(value)
    if (Array.isArray(value)) return value.map(cleanDeep)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, cleanDeep(inner)]))
  }

  const recorder: Recorder = {
    lines,
    step: 'begin',
    add(line) {
      const whole = cleanDeep({ t: Math.round(clockNs() - began), s: recorder.step, ...line }) as Line
      for (const value of Object.values(whole)) if (typeof value === 'string') bytes += value.length
      if (bytes > historyLimits.totalBytes)
        throw new HistoryFullError(`The history holds more than ${historyLimits.totalBytes} bytes`)
      lines.push(whole)
    },
    fact: (name, data) => recorder.add({ k: 'fact', name, data: data as never }),
    secret(name, value) {
      // Short ones would be found in innocent text.
      if (value.length >= 16) secrets.set(value, name)
    },
    nowNs: () => Math.round(clockNs() - began),
    nextId: () => (ids += 1),
  }
  return recorder
}
