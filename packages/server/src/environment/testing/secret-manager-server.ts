import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

type State = 'ENABLED' | 'DISABLED' | 'DESTROYED'

interface Version {
  readonly content: string
  readonly createTime: string
  state: State
}

export interface SecretManagerServer extends AsyncDisposable {
  readonly url: string
  /** `POST /v1/projects/…`, in order. */
  readonly requests: readonly string[]
  /** By `projects/P/secrets/S`; the first is version 1. */
  readonly secrets: ReadonlyMap<string, readonly Version[]>
  /** The next so many requests are answered with 503. */
  fail(times: number): void
  put(name: string, content: string): void
}

/** Status and google.rpc.Code, as Google's REST says them. */
const errors = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  UNAVAILABLE: 503,
} as const

class Refusal extends Error {
  readonly status: keyof typeof errors
  constructor(status: keyof typeof errors, message: string) {
    super(message)
    this.status = status
  }
}

/** As much of Google Secret Manager's REST protocol as the real client asks for here; project `forbidden` lets nobody in. */
export async function openSecretManagerServer(): Promise<SecretManagerServer> {
  const secrets = new Map<string, Version[]>()
  const requests: string[] = []
  let failures = 0

  const versionsOf = (name: string): Version[] => {
    const versions = secrets.get(name)
    if (versions === undefined) throw new Refusal('NOT_FOUND', `Secret [${name}] not found.`)
    return versions
  }
  const versionOf = (name: string): Version => {
    const [, secret = '', number = ''] = /^(.*)\/versions\/(\d+)$/.exec(name) ?? []
    const version = versionsOf(secret)[Number(number) - 1]
    if (version === undefined) throw new Refusal('NOT_FOUND', `Secret Version [${name}] not found.`)
    return version
  }
  const shown = (secret: string, number: number) => {
    const version = versionsOf(secret)[number - 1]
    return { name: `${secret}/versions/${number}`, createTime: version?.createTime, state: version?.state }
  }
  const answer = async (request: IncomingMessage): Promise<object> => {
    const url = new URL(request.url ?? '', 'http://x')
    const path = url.pathname.replace(/^\/v1\//, '')
    const [, name = path, verb = ''] = /^(.*?)(?::(\w+))?$/.exec(path) ?? []
    if (name.startsWith('projects/forbidden')) throw new Refusal('PERMISSION_DENIED', 'Permission denied')
    const body = request.method === 'POST' ? ((await json(request)) as Record<string, unknown>) : {}
    switch (`${request.method} ${verb}`) {
      case 'POST ': {
        const secret = `${name}/${url.searchParams.get('secretId')}`
        if (!('replication' in body)) throw new Refusal('INVALID_ARGUMENT', 'replication is required')
        if (secrets.has(secret)) throw new Refusal('ALREADY_EXISTS', `Secret [${secret}] already exists.`)
        secrets.set(secret, [])
        return { name: secret, ...body }
      }
      case 'POST addVersion': {
        const { data } = body['payload'] as { data: string }
        const content = Buffer.from(data, 'base64').toString()
        const number = versionsOf(name).push({
          content,
          createTime: new Date().toISOString(),
          state: 'ENABLED',
        })
        return shown(name, number)
      }
      case 'POST disable': {
        versionOf(name).state = 'DISABLED'
        return { name, state: 'DISABLED' }
      }
      case 'GET access': {
        const { content, state } = versionOf(name)
        if (state !== 'ENABLED')
          throw new Refusal('FAILED_PRECONDITION', `Secret Version [${name}] is in ${state} state.`)
        return { name, payload: { data: Buffer.from(content).toString('base64') } }
      }
      case 'GET ': {
        const secret = name.replace(/\/versions$/, '')
        const versions = versionsOf(secret).map((_, index) => shown(secret, index + 1))
        return { versions: versions.reverse(), totalSize: versions.length }
      }
      default:
        throw new Refusal('INVALID_ARGUMENT', `${request.method} ${path}`)
    }
  }

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    const send = (status: number, content: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content))
    }
    failures -= 1
    const result = failures >= 0 ? Promise.reject(new Refusal('UNAVAILABLE', 'Try again')) : answer(request)
    result.then(
      (content) => send(200, content),
      (error: unknown) => {
        if (!(error instanceof Refusal)) throw error
        const code = errors[error.status]
        send(code, { error: { code, status: error.status, message: error.message } })
      },
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    secrets,
    fail(times) {
      failures = times
    },
    put(name, content) {
      const versions = secrets.get(name) ?? []
      secrets.set(name, versions)
      versions.push({ content, createTime: new Date().toISOString(), state: 'ENABLED' })
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
