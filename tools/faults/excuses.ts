import type { Excuse } from './checker.ts'
import type { Dealing, Refusal, Strike } from './proxy.ts'

/** What was done to a server, until it served again. */
export interface ServerDeed {
  readonly deed: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'away'
  /** null: to all of them, as where the database is away. */
  readonly port: number | null
  readonly fromMs: number
  readonly untilMs: number
}

/**
 * Whose lateness is our own doing: who was struck, and who was connected to a server to which something was done. And
 * who had lost a connection just before, and was refused meanwhile: their way back is one over an outage too.
 */
export function excusesOf(
  strikes: readonly Strike[],
  deeds: readonly ServerDeed[],
  dealings: readonly Dealing[],
  refusals: readonly Refusal[],
): Excuse[] {
  const byPort = Map.groupBy(dealings, ({ port }) => port)
  return [
    ...strikes.map(({ client, fromMs, untilMs }) => ({ client, fromMs, untilMs, deed: 'network' as const })),
    ...refusals.map(({ client, atMs }) => ({
      client,
      fromMs: atMs,
      untilMs: atMs,
      deed: 'refused' as const,
    })),
    ...deeds.flatMap(({ deed, port, fromMs, untilMs }) =>
      (port === null ? dealings : (byPort.get(port) ?? []))
        .filter((dealing) => dealing.fromMs <= untilMs && dealing.untilMs >= fromMs)
        .map(({ client, fromMs: connectedMs }) => ({ client, fromMs, untilMs, deed, connectedMs })),
    ),
  ]
}
