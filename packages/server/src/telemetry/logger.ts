import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { type Plain, plainFields, scrub } from './plain.ts'

/**
 * One line per change of state: fields (`run`, `thread`, `connection`) first, as pino does it, then one sentence.
 * Never a secret, and never throws.
 */
export interface Logger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
  /** A logger whose every line carries `fields` too. */
  child(fields: object): Logger
}

export interface LoggerOptions {
  readonly level: 'silent' | 'error' | 'warn' | 'info' | 'debug'
  /** `line` for a person at a terminal, `json` for a platform that collects logs. */
  readonly format: 'line' | 'json'
  /** Takes one finished line with its line break. Default: standard error. */
  readonly write?: (line: string) => void
}

function wrap(inner: PinoLogger): Logger {
  const at =
    (level: 'error' | 'warn' | 'info' | 'debug') =>
    (fields: object, message: string): void => {
      // The fields become plain only for a line that is written: debug lines on a hot path cost nothing.
      if (inner.isLevelEnabled(level)) inner[level](plainFields(fields), scrub(message))
    }
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: (fields) => wrap(inner.child(plainFields(fields))),
  }
}

const bare = /^[\w.:/@[\]+-]+$/

function field(key: string, value: Plain): string {
  if (typeof value === 'string') return `${key}=${bare.test(value) ? value : JSON.stringify(value)}`
  return `${key}=${JSON.stringify(value)}`
}

/** `18:31:02.123 info  run ended run=run_01… ms=12`: one line, whatever the fields hold. */
function formatLine(json: string): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Record<string, Plain>
  const text = String(msg ?? '').replaceAll(/\s*\n\s*/g, ' ')
  const parts = Object.entries(fields).map(([key, value]) => field(key, value))
  return `${[String(time).slice(11, 23), String(level).padEnd(5), text, ...parts].join(' ')}\n`
}

/** A logger on `write`. `silent` writes nothing. */
export function createLogger(options: LoggerOptions): Logger {
  const { write = (line: string) => void process.stderr.write(line) } = options
  const stream: DestinationStream = {
    write: (json) => write(options.format === 'json' ? json : formatLine(json)),
  }
  const inner = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (level) => ({ level }) },
    },
    stream,
  )
  return wrap(inner)
}

export const silentLogger: Logger = createLogger({ level: 'silent', format: 'json' })
