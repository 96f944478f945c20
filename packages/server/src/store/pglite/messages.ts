/** What travels between the store and its PGlite worker. Values are PostgreSQL's text format in both directions. */
export interface WorkerOptions {
  /** null: in memory. */
  readonly directory: string | null
}

export type WorkerRequest =
  | {
      readonly kind: 'query'
      readonly id: number
      readonly sql: string
      readonly values: readonly (string | null)[]
      /** Parsed once and kept under this name. */
      readonly name: string | null
    }
  | { readonly kind: 'close'; readonly id: number }

export interface QueryAnswer {
  readonly fields: readonly { readonly name: string; readonly typeOid: number }[]
  readonly rows: readonly (readonly (string | null)[])[]
  /** `UPDATE 3`, `SELECT 2`, `BEGIN`. */
  readonly tag: string
}

/** An error as PostgreSQL reports it; `code` is the SQLSTATE, null where the fault is not of a statement. */
export interface WorkerFault {
  readonly message: string
  readonly code: string | null
  readonly detail: string | null
  readonly constraint: string | null
  readonly table: string | null
}

export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not_ready'; readonly fault: WorkerFault }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: QueryAnswer }
  | { readonly kind: 'fault'; readonly id: number; readonly fault: WorkerFault }
  | { readonly kind: 'closed'; readonly id: number }
