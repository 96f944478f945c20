/**
 * Settings of every session, on both adapters.
 *
 * The type parsers read times in UTC and ISO style. Every query of ours has its index; but a statement that was
 * planned while a table was empty would keep reading all of it as it grows, so a full scan is only the last resort.
 * Nothing here runs long enough for JIT to pay.
 */
export const sessionSettings = {
  timezone: 'UTC',
  datestyle: 'ISO',
  enable_seqscan: 'off',
  jit: 'off',
} as const

/** The same as the `options` of a connection. */
export const sessionOptions = Object.entries(sessionSettings)
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(' ')
