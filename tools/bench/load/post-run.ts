import { postJson } from './post-json.ts'
import type { Connect } from './receiver.ts'

/**
 * A durable peer that tells nobody how a run goes on: one request, answered at its end with the moment at which the
 * agent's code began. So its start lacks the way to a client that Holdfast's and LangGraph's hold.
 */
export const connectPostRun: Connect = async ({ url, user, live }) => {
  live()
  return {
    async run(_events, heard) {
      const { startedAtMs } = (await postJson(`${url}/thread/${user}/run`, {})) as { startedAtMs: number }
      heard.started?.(startedAtMs)
    },
    replay: null,
    close: async () => {},
  }
}
