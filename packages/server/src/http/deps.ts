import type { ServerResponse } from 'node:http'
import type { AgentList, Position, ThreadId } from '@holdfast/protocol'
import type { Authenticator, BrowserBoundary, Sessions } from '../auth/authenticator.ts'
import type { EventLog } from '../log/event-log.ts'
import type { Threads } from '../log/threads.ts'
import type { Principal } from '../principal.ts'
import type { Runs } from '../runs/runs.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Workspace } from '../workspace/workspace.ts'

/** One thing this server cannot work without, and whether it is there now. */
export interface Dependency {
  readonly name: string
  readonly ready: boolean
}

/** What the routes call. They decide nothing themselves. */
export interface HttpDeps {
  readonly threads: Threads
  readonly log: EventLog
  readonly runs: Runs
  readonly workspace: Workspace
  readonly agents: AgentList['items']
  readonly authenticator: Authenticator
  readonly sessions: Sessions
  readonly boundary: BrowserBoundary
  /** A thread's events as server-sent events, written to `response` as they come; resolves when its head is out. */
  readonly followEvents: (request: {
    readonly principal: Principal
    readonly threadId: ThreadId
    readonly after: Position
    readonly response: ServerResponse
  }) => Promise<void>
  /** Asked by /health/ready. */
  readonly dependencies: () => Promise<readonly Dependency[]>
  /** Shown at /version. */
  readonly version: { readonly version: string; readonly [detail: string]: string }
  readonly logger: Logger
}
