import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RunId, ThreadId } from '@holdfast/protocol'
import { start } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { openPgliteStore } from '../store/pglite-store.ts'
import { sqlHarness } from './testing/sql-harness.ts'

const rounds = 4
const child = fileURLToPath(new URL('./testing/append-forever.ts', import.meta.url))

/** Lets a child append until it has acknowledged so many events, kills it, and says which those were. */
async function appendAndKill(
  dataDir: string,
  { threadId, runId }: { threadId: ThreadId; runId: RunId },
  round: number,
): Promise<{ seq: number; key: string }[]> {
  const args = [child, dataDir, threadId, runId, `${round}`]
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged: { seq: number; key: string }[] = []
  for await (const line of createInterface(process_.stdout)) {
    const [seq, key = ''] = line.split(' ')
    acknowledged.push({ seq: Number(seq), key })
    // Another moment each round; what it prints until it is dead counts too.
    if (acknowledged.length === 150 + round * 70) process_.kill('SIGKILL')
  }
  return acknowledged
}

test(`every acknowledged event is there after ${rounds} kills with SIGKILL, once, and no place is missing`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdfast-crash-'))
  try {
    const place = await (async () => {
      await using harness = sqlHarness(await openPgliteStore({ dataDir }))
      const threadId = await harness.createThread()
      return { threadId, runId: await harness.createRun(threadId) }
    })()
    const acknowledged = new Map<number, string>()
    for (let round = 0; round < rounds; round += 1) {
      for (const { seq, key } of await appendAndKill(dataDir, place, round)) acknowledged.set(seq, key)
      await using harness = sqlHarness(await openPgliteStore({ dataDir }))
      const limit = { events: 1_000_000, bytes: Number.MAX_SAFE_INTEGER }
      const events = await harness.log.read(place.threadId, start, limit)
      expect(events.map(({ seq }) => Number(seq))).toEqual(events.map((_, index) => index + 1))
      const texts = events.map((event) => (event.type === 'message_delta' ? event.data.text : ''))
      expect(new Set(texts).size).toBe(texts.length)
      const lost = [...acknowledged].filter(([seq, key]) => texts[seq - 1] !== key)
      expect(lost).toEqual([])
    }
    expect(acknowledged.size).toBeGreaterThan(rounds * 150)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}, 120_000)
