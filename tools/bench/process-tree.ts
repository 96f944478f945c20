import { readdirSync, readFileSync } from 'node:fs'

/** Linux only: /proc is where a process's memory can be read from outside. */
export const canWatchMemory = process.platform === 'linux'

/** Resident memory of a process and all its descendants, in bytes; 0 where it is gone. */
export function treeBytes(root: number): number {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const parent = /^PPid:\s+(\d+)/m.exec(statusOf(Number(entry)))?.[1]
    if (parent !== undefined)
      children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(entry)])
  }
  const sum = (pid: number): number =>
    residentBytes(pid) + (children.get(pid) ?? []).reduce((total, child) => total + sum(child), 0)
  return sum(root)
}

const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(statusOf(pid))?.[1] ?? 0) * 1024

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    // It ended between two looks.
    return ''
  }
}
