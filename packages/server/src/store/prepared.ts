const mark = /^\/\* prepare ([a-z-]+) \*\//

/**
 * Statements of the hot paths begin with the comment `prepare` and a name: both adapters parse and plan these
 * once a connection. The text under one name never varies.
 */
export function preparedName(statement: string): string | null {
  // The cheap test first: this runs for every statement.
  return statement.startsWith('/*') ? (mark.exec(statement)?.[1] ?? null) : null
}
