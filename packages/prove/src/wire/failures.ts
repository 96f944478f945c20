/** Before the first byte was sent: the only failures after which a prover tries again. */
const beforeTheFirstByte = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
])

export function isConnectFailure(error: Error): boolean {
  return beforeTheFirstByte.has(String(Reflect.get(error, 'code')))
}

/** A code where there is one: messages name addresses of machines and differ from system to system. */
export function reasonOf(error: Error): string {
  const code: unknown = Reflect.get(error, 'code')
  const root = error instanceof AggregateError && error.errors[0] instanceof Error ? error.errors[0] : error
  return typeof code === 'string' ? code : root.message.slice(0, 200)
}
