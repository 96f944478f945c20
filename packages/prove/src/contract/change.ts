export interface Change {
  readonly kind: 'breaking' | 'additive' | 'compatible' | 'unclassified'
  readonly rule: string
  readonly path: string
  readonly what: string
}

export type Rec = Readonly<Record<string, unknown>>

/** {} for what is none. */
export const record = (value: unknown): Rec =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Rec) : {}
