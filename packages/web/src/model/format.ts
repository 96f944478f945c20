import type { Cell } from '@holdfast/protocol'

const KiB = 1024

export function formatBytes(bytes: number): string {
  if (bytes < KiB) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
  if (bytes < KiB ** 2) return `${(bytes / KiB).toFixed(0)} KiB`
  return bytes < KiB ** 3 ? `${(bytes / KiB ** 2).toFixed(1)} MiB` : `${(bytes / KiB ** 3).toFixed(2)} GiB`
}

/** `0.4 s`, `12 s`, `3 min 04 s`: as short as it stays true. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const rest = String(seconds % 60).padStart(2, '0')
  return `${Math.floor(seconds / 60)} min ${rest} s`
}

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en')} ${n === 1 ? one : many}`

const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 6 })
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z$/

/** A cell as people read it; times in the zone the reader chose. */
export function formatCell(cell: Cell | undefined, timeZone: string): string {
  if (cell === null || cell === undefined) return '–'
  if (typeof cell === 'number') return numbers.format(cell)
  if (typeof cell === 'string' && instant.test(cell)) return formatTime(cell, timeZone)
  return String(cell)
}

/** `8 Oct 2026, 15:00 UTC` */
export function formatTime(time: string | number, timeZone: string): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return String(time)
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone,
    timeZoneName: 'short',
  }).format(date)
}

/** `just now`, `5 min ago`, `3 h ago`, `12 Nov`. */
export function formatAgo(time: string, nowMs: number, timeZone: string): string {
  const minutes = Math.floor((nowMs - Date.parse(time)) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone }).format(new Date(time))
}

/** Two digits that count, so that a tenth of a cent is not nothing: `$0.0021`, `$1.30`. */
export function formatUsd(usd: number): string {
  const digits = usd === 0 || usd >= 0.1 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(usd)))
  return `$${usd.toFixed(digits)}`
}
