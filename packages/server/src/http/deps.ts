import type { ServerResponse } from 'node:http'
import type {
  AgentList,
  FileProfileInfo,
  NodeId,
  Operations,
  Position,
  Session,
  ThreadId,
  UserId,
  Version,
} from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import type { Audit } from '../auth/audit.ts'
import type { Access, Authenticator, BrowserBoundary, Credentials } from '../auth/authenticator.ts'
import type { CookiePolicy } from '../auth/cookie-policy.ts'
import type { LocalMode } from '../auth/local-mode.ts'
import type { Quotas } from '../auth/quotas.ts'
import type { Sessions } from '../auth/sessions.ts'
import type { SignIn } from '../auth/sign-in.ts'
import type { Tickets } from '../auth/tickets.ts'
import type { Tokens } from '../auth/tokens.ts'
import type { Users } from '../auth/users.ts'
import type { EventLog } from '../log/event-log.ts'
import type { Threads } from '../log/threads.ts'
import type { Principal } from '../principal.ts'
import type { DataRequests } from '../runs/data-requests.ts'
import type { Runs } from '../runs/runs.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { FileProfile } from '../workspace/file-profile.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { HttpLimits } from './bare-server.ts'

/** One thing this server cannot work without, and whether it is there now. */
export interface Dependency {
  readonly name: string
  readonly ready: boolean
}

/** A user's data as a whole. */
export interface Account {
  /** Everything that is kept of the user, piece by piece; secrets are not. */
  export(principal: Principal): AsyncIterable<object>
  /** Threads with all that is in them, credentials, and the user. What is open is closed. */
  remove(principal: Principal): Promise<void>
}

/** What the routes call. They decide nothing themselves. */
export interface HttpDeps {
  readonly threads: Threads
  readonly log: EventLog
  readonly runs: Runs
  readonly dataRequests: DataRequests
  readonly workspace: Workspace
  /** Those that a principal may ask. */
  readonly agentsOf: (principal: Principal) => AgentList['items']
  readonly authenticator: Authenticator
  readonly users: Pick<Users, 'signIn'>
  readonly sessions: Pick<Sessions, 'open' | 'end' | 'endAll'>
  readonly cookies: CookiePolicy
  /** Signing in by the link that the server printed; null where people sign in with a provider. */
  readonly links: Pick<LocalMode, 'exchange'> | null
  /** Signing in with a provider; null in local mode. */
  readonly signIn: SignIn | null
  /** Personas of automated tests, and where they sign in; null: nobody is simulated here. */
  readonly simulation: {
    personaOf(userId: UserId): Promise<{ readonly persona: string; readonly run: string } | null>
    routes(app: FastifyInstance, deps: HttpDeps): Promise<void>
  } | null
  readonly tokens: Pick<Tokens, 'create' | 'list' | 'revoke'>
  readonly tickets: Pick<Tickets, 'create'>
  readonly audit: Pick<Audit, 'note' | 'refused' | 'quotaReached'>
  readonly quotas: Quotas
  readonly account: Account
  /** What a file holds, and what its columns mean. */
  readonly describeFile: (profile: FileProfile) => FileProfileInfo
  readonly operations: () => Promise<Operations>
  readonly tier: Session['tier']
  /** Proxies of ours before this server: who asks stands in X-Forwarded-For then. */
  readonly proxyHops: number
  readonly boundary: BrowserBoundary
  /** A thread's events as server-sent events, written to `response` as they come; resolves when its head is out. */
  readonly followEvents: (request: {
    readonly access: Access
    readonly credentials: Credentials
    readonly threadId: ThreadId
    readonly after: Position
    readonly response: ServerResponse
  }) => Promise<void>
  /** For tests. */
  readonly httpLimits?: Partial<HttpLimits>
  /** Of this process; on every answer, so that a client can tell who gave it. */
  readonly node: NodeId
  /** The built page (packages/web); null: this server shows none. */
  readonly pageDirectory: string | null
  /** Asked by /health/ready. */
  readonly dependencies: () => Promise<readonly Dependency[]>
  /** Shown at /version. */
  readonly version: Version
  readonly logger: Logger
}
