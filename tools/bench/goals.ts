/** What an issue asks for, beside what was measured: a line each, after the table. */
export function goalLine(who: string, what: string, reached: boolean): string {
  return `  ${reached ? 'reached' : 'missed '}  ${who}: ${what}`
}
