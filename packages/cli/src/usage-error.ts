/** The command was called in a way that cannot work; nothing was started. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
