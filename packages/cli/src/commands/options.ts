import { limits, type UserId, UserId as UserIds } from '@holdfast/protocol'
import { RunName } from '@holdfast/protocol/e2e'
import { InvalidArgumentError } from 'commander'

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new InvalidArgumentError('It must be a whole number from 0 to 65535.')
  return port
}

export function parseHost(text: string): string {
  if (!/^[A-Za-z0-9.:-]+$/.test(text))
    throw new InvalidArgumentError('It must be an address or a host name, such as 127.0.0.1.')
  return text
}

/** The life of a token. */
export function parseDays(text: string): number {
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (days < 1 || days > limits.tokenDays)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${limits.tokenDays}.`)
  return days
}

export function parseUser(text: string): UserId {
  const parsed = UserIds.safeParse(text)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError('It must be a user id, as `holdfast users list` shows them.')
}

export function parseProject(text: string): string {
  if (/^[a-z0-9][a-z0-9:.-]*$/.test(text)) return text
  throw new InvalidArgumentError('It must be the id of a project, such as acme-staging.')
}

export function parseSecret(text: string): string {
  if (/^[\w-]{1,255}$/.test(text)) return text
  throw new InvalidArgumentError('It must be the name of a secret: letters, digits, - and _.')
}

export function parseVersion(text: string): string {
  if (/^[1-9]\d{0,9}$/.test(text)) return text
  throw new InvalidArgumentError('It must be the number of a version.')
}

export function parseRun(text: string): string {
  const parsed = RunName.safeParse(text)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError('It must be 1 to 40 of a–z, 0–9 and -, not beginning with -.')
}

export function parseUrl(text: string): URL {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol)) return url
  throw new InvalidArgumentError('It must be a URL that begins with https:// or http://.')
}

/** For an option that may be given several times. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}
