import type { View } from '../history/view.ts'
import type { Plan } from '../plan/profiles.ts'

export interface Violation {
  readonly what: string
  /** ns of the history. */
  readonly t: number
  readonly conn?: number
}

/** What a check found in a history. The outcome follows from it, in one place (verdict/judge.ts). */
export interface Finding {
  /** How often the situation the check is about came up. A check that met none of it has proved nothing. */
  readonly situations: number
  readonly violations: readonly Violation[]
  /** One line: what was seen, with its figures. */
  readonly says: string
  readonly measured?: Readonly<Record<string, number>>
  /** Why it cannot be told, although the situation came up. */
  readonly unsure?: string
  /** Passes that are not strict, retries, and the like. */
  readonly notes?: readonly string[]
}

export interface Context {
  readonly view: View
  readonly plan: Plan
}

export interface Check {
  readonly id: string
  readonly title: string
  /** Which of the three staging tests it belongs to, or what else it is about. */
  readonly group:
    | 'connection'
    | 'flow'
    | 'concurrency'
    | 'security'
    | 'protocol'
    | 'operations'
    | 'build'
    | 'prover'
  /** Delivery, isolation and sign-in: one violation is too many, and no waiver helps. */
  readonly invariant: boolean
  /** Steps of the proof that bring its situation about. */
  readonly steps: readonly string[]
  /** What a failure of it means to somebody who runs the server. */
  readonly catches: string
  minimum(context: Context): number
  judge(context: Context): Finding
}

/** Cases that steps wrote down one by one. */
export function cases(view: View, check: string): Finding & { readonly names: readonly string[] } {
  const all = view.facts('case').filter((one) => one.check === check)
  const bad = all.filter(({ ok }) => !ok)
  const lax = all.filter(({ ok, strict }) => ok && !strict)
  return {
    situations: all.length,
    violations: bad.map(({ name, expected, seen, t }) => ({
      what: `${name}: expected ${expected}, seen ${seen}`,
      t,
    })),
    says: `${all.length - bad.length} of ${all.length} cases as documented`,
    notes: lax.map(({ name, seen }) => `not strict: ${name}, ${seen}`),
    names: all.map(({ name }) => name),
  }
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`
