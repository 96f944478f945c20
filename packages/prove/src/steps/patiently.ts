import { type Lab, pause } from '../lab/lab.ts'
import type { HttpAnswer } from '../wire/http.ts'

/** Longer than the minute that the limit of simulations counts; a block after wrong keys lasts longer, and is final. */
const waitSeconds = 90
const triesAtMost = 3

/** A proof may share its address with tests that sign in beside it: where it came too often, it waits as it is told. */
export async function patiently(lab: Lab, ask: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  for (let tried = 1; ; tried += 1) {
    const answer = await ask()
    const seconds = Number(answer.headers['retry-after'])
    const waits = answer.status === 429 && seconds > 0 && seconds <= waitSeconds && tried < triesAtMost
    if (!waits || performance.now() + seconds * 1_000 >= lab.deadline.at) return answer
    await pause(seconds * 1_000)
  }
}
