/** What the command's exit code says. Scripts rely on them; `holdfast ask --help` lists them. */
export const exitCodes = {
  answered: 0,
  failed: 1,
  usage: 2,
  needsData: 3,
  partial: 4,
  /** EX_CANTCREAT of sysexits.h: another process holds the data directory. */
  directoryLocked: 73,
  /** EX_CONFIG of sysexits.h: a setting cannot be used. */
  badSetting: 78,
  /** 128 + SIGINT, as shells have it: loops stop on it. */
  interrupted: 130,
} as const
/** Of `prove`: its own, because a gate of a deployment reads them. */
export const proveCodes = {
  go: 0,
  noGo: 1,
  inconclusive: 2,
  usage: 3,
  unreachable: 4,
  internal: 5,
} as const
export type ExitCode =
  | (typeof exitCodes)[keyof typeof exitCodes]
  | (typeof proveCodes)[keyof typeof proveCodes]
