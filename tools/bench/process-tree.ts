import { readdirSync, readFileSync } from 'node:fs'

/** Linux only: /proc is where a process's memory and time can be read from outside. */
export const canWatchProcesses = process.platform === 'linux'

/** Resident memory of a process and all its descendants, in bytes; 0 where it is gone. */
export const treeBytes = (root: number): number => sumOfTree(root, residentBytes)

/** User and system time of a process and all its descendants, in seconds; 0 where it is gone. */
export const treeCpuSeconds = (root: number): number => sumOfTree(root, cpuSeconds)

function sumOfTree(root: number, of: (pid: number) => number): number {
  if (!canWatchProcesses) return 0
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const parent = /^PPid:\s+(\d+)/m.exec(read(Number(entry), 'status'))?.[1]
    if (parent !== undefined)
      children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(entry)])
  }
  const sum = (pid: number): number =>
    of(pid) + (children.get(pid) ?? []).reduce((total, child) => total + sum(child), 0)
  return sum(root)
}

const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(read(pid, 'status'))?.[1] ?? 0) * 1024

/** Clock ticks are 1/100 s on every Linux that Node runs on. */
function cpuSeconds(pid: number): number {
  // The name in parentheses may hold spaces: fields are counted after it.
  const fields = read(pid, 'stat').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100
}

/** What one process may have open, as the system holds it to; null where that cannot be read. */
export function openFilesLimit(): number | null {
  const limit = /^Max open files\s+(\d+)/m.exec(read('self', 'limits'))?.[1]
  return limit === undefined ? null : Number(limit)
}

function read(pid: number | 'self', file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // It ended between two looks.
    return ''
  }
}
