import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createChecker, type Excuse, type Follower, type TruthThread, type Verdict } from './checker.ts'
import { parseLine } from './journal.ts'

/** Has the checker read every journal against the truth. */
export async function judge(
  truth: readonly TruthThread[],
  followers: readonly Follower[],
  { excuses, journals }: { readonly excuses: readonly Excuse[]; readonly journals: readonly string[] },
): Promise<{
  readonly verdict: Verdict /** Clients that were refused another user's thread. */
  readonly denied: number
}> {
  const checker = createChecker(truth, followers, excuses)
  let denied = 0
  for (const path of journals)
    for await (const text of createInterface(createReadStream(path))) {
      const line = parseLine(text)
      if (line === null) continue
      if (line[0] === 'denied') denied += 1
      checker.record(line)
    }
  return { verdict: checker.verdict(), denied }
}
