import { inspect } from 'node:util'

/** Text that must not reach a log, an error or a screen. Only `reveal()` gives it back. */
export interface Secret {
  reveal(): string
  toString(): string
  toJSON(): string
}

const redacted = '[redacted]'

/** Every way by which a value turns into text (String, JSON, console.log, util.inspect) gives `[redacted]`. */
export function secret(text: string): Secret {
  const value: Secret & { [inspect.custom]: () => string } = {
    reveal: () => text,
    toString: () => redacted,
    toJSON: () => redacted,
    [inspect.custom]: () => redacted,
  }
  return Object.freeze(value)
}
