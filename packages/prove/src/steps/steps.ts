import type { Lab } from '../lab/lab.ts'
import { authStep } from './auth.ts'
import { concurrentStep } from './concurrent.ts'
import { connectStep } from './connect.ts'
import { flowStep } from './flow.ts'
import { framesStep } from './frames.ts'
import { identityStep } from './identity.ts'
import { isolationStep } from './isolation.ts'
import { crashStep, drainStep, rollbackStep } from './operations.ts'
import { rateStep, slowStep } from './pressure.ts'
import { residueStep } from './residue.ts'
import { resumeStep } from './resume.ts'
import { signInStep } from './sign-in.ts'

export interface Step {
  readonly id: string
  readonly title: string
  run(lab: Lab): Promise<void>
}

/** In this order: who is there, who we are, and only then what it does; what stops the server comes last. */
export const steps: readonly Step[] = [
  { id: 'identity', title: 'asking which build it is', run: identityStep },
  { id: 'sign-in', title: 'signing in', run: signInStep },
  { id: 'auth', title: 'trying credentials that are no good', run: authStep },
  { id: 'connect', title: 'connecting from cold', run: connectStep },
  { id: 'flow', title: 'following runs of every kind', run: flowStep },
  { id: 'concurrent', title: 'everybody at once', run: concurrentStep },
  { id: 'isolation', title: "using other users' ids", run: isolationStep },
  { id: 'resume', title: 'cutting connections and coming back', run: resumeStep },
  { id: 'frames', title: 'sending what no client sends', run: framesStep },
  { id: 'rate', title: 'sending too much', run: rateStep },
  { id: 'slow', title: 'reading too slowly', run: slowStep },
  { id: 'drain', title: 'stopping the server politely', run: drainStep },
  { id: 'crash', title: 'killing the server', run: crashStep },
  { id: 'rollback', title: 'rehearsing the way back', run: rollbackStep },
]

/** Always last, whatever happened before. */
export const lastStep: Step = { id: 'residue', title: 'cleaning up', run: residueStep }
