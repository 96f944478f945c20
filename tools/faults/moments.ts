/** Moments at which a server can be told to die: it kills itself, because nobody else could be so exact. */
export const moments = ['tool', 'effect', 'model', 'hint'] as const
/** In the midst of a tool, of one that declares an effect, between two parts of a model's answer, between a commit and its hint. */
export type Moment = (typeof moments)[number]

export interface Moments {
  /** SIGKILL at the next such moment. */
  dieAt(moment: Moment): void
  reached(moment: Moment): void
}

export function createMoments(): Moments {
  let awaited: Moment | null = null
  return {
    dieAt(moment) {
      awaited = moment
    },
    reached(moment) {
      if (moment === awaited) process.kill(process.pid, 'SIGKILL')
    },
  }
}
