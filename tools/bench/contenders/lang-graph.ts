import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, pidOf, saw } from './child.ts'
import type { Contender, RunningContender } from './contender.ts'
import { killedAtExit } from './leftovers.ts'
import { peersDir } from './peers.ts'

export const langGraph: Contender = {
  name: 'LangGraph JS dev server, SSE',
  guarantee: 'none over a restart',
  thin: 'lang-graph-sse',
  product: null,
  start: ({ concurrent }) => startLangGraph(concurrent),
}

async function startLangGraph(concurrent: number): Promise<RunningContender> {
  const port = await freePort()
  const cli = join(peersDir, 'node_modules/.bin/langgraphjs')
  const child = spawn(
    cli,
    // Its default of 10 jobs at a time would bound it: it is given what it is asked to do.
    ['dev', '--no-browser', '--host', '127.0.0.1', '--port', String(port), '-n', String(concurrent)],
    {
      cwd: peersDir,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
      env: { ...process.env, LANGGRAPH_CLI_NO_ANALYTICS: '1', LANGSMITH_TRACING: 'false' },
    },
  )
  const group = pidOf(child)
  // Its CLI starts processes of its own: the whole group goes.
  const kill = killedAtExit(-group)
  await saw(child, /Server running at/)
  return {
    pids: [group],
    target: { urls: [`http://127.0.0.1:${port}`], tokens: [] },
    collect: async () => 0,
    restart: () => Promise.reject(new Error('Nothing of it is over a restart')),
    async [Symbol.asyncDispose]() {
      kill()
      await rm(join(peersDir, '.langgraph_api'), { recursive: true, force: true })
    },
  }
}
