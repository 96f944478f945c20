import type { NumbersPlan } from '../../faults/numbers-agent.ts'

/** One step of a model may say 400,000 characters (stepLimits.saidChars), and each event is a thought of some 45. */
const eventsPerStep = 5_000

/** What the agent of the campaigns is asked, for so many events as fast as it can: in one step, if one can hold them. */
export const numbersMessage = (events: number): string =>
  JSON.stringify({
    events,
    legs: events <= eventsPerStep ? 0 : Math.ceil(events / eventsPerStep),
    pauseMs: 0,
  } satisfies NumbersPlan)
