import { HoldfastError } from '@holdfast/protocol'

/**
 * How statements begin, and the shape behind the first word that prose rarely has: `with a file`, `set up alerts`
 * and `update me` are questions. What is SQL and no SELECT meets the gate, which says what is allowed.
 */
const shapes: readonly RegExp[] = [
  /^select\b[^?]*$/,
  /^select\b.*\bfrom\b/,
  /^with\s+(recursive\s+)?["\w]+\s*(\([^)]*\)\s*)?as\s*(not\s+)?(materialized\s*)?\(/,
  /^from\s+["'\w.]+\s*(\(|;?$|(select|where|limit|join)\b)/,
  /^values\s*\(/,
  /^copy\s.+\b(to|from)\s/,
  /^(attach|detach)\s+(database\s+)?(if\s+(not\s+)?exists\s+)?["'\w./]+(\s+as\s.*)?;?$/,
  /^(install|load|use|describe|summarize)\s+["'\w.]+;?$/,
  /^insert\s+into\s/,
  /^update\s+["\w.]+\s+set\s/,
  /^delete\s+from\s/,
  /^(create|drop|alter)\s+(or\s+replace\s+)?(temp(orary)?\s+)?(table|view|macro|schema|type|secret|index|sequence|function)\b/,
  /^pragma\s+\w+/,
  /^set\s+(session\s+|global\s+)?\w+\s*(=|\bto\s)/,
  /^call\s+\w+\s*\(/,
  /^(export|import)\s+database\s/,
  /^explain\s+(analyze\s+)?(select|with|from|copy)\b/,
  /^(checkpoint|vacuum)\b;?$/,
]

/** Whether a message is SQL of the user's own rather than a question: it is then run as it stands, through the gate. */
export function looksLikeSql(message: string): boolean {
  const text = message
    .replace(/--[^\n]*(\n|$)/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
  return shapes.some((shape) => shape.test(text))
}

/**
 * The raw tables are text in every column, which DuckDB's "No function matches … 'sum(VARCHAR)'" does not tell
 * anyone who sees numbers in the file.
 */
export function withCastHint(error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'sql_failed' || !/\bVARCHAR\b/.test(error.message))
    return error
  const said = error.message.replace(/\s*Candidate functions:\s*$/, '')
  return new HoldfastError(
    'sql_failed',
    `${said} Every column here is text: cast it first, as in TRY_CAST(cost AS DOUBLE).`,
    { cause: error },
  )
}
