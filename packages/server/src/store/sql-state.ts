import pg from 'pg'

/** What the database answered: the SQLSTATE and, where one is broken, the constraint. */
export interface SqlFault {
  readonly state: string
  readonly constraint: string | null
}

/** null: not an answer of the database (a lost connection, a bug). Both adapters throw the same class. */
export function sqlFault(error: unknown): SqlFault | null {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return null
  return { state: error.code, constraint: error.constraint ?? null }
}
