import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as jose from 'jose'
import Provider, { type Configuration } from 'oidc-provider'

export interface OidcServer extends AsyncDisposable {
  readonly issuer: string
  /** Signs as the provider does. */
  sign(payload: jose.JWTPayload, header?: Partial<jose.JWTHeaderParameters>): Promise<string>
  /** Who is signed in by the next authorization; a browser shows nothing else of itself. */
  setAccount(accountId: string): void
  /**
   * false: every connection is closed at once, as of a provider that is down. never: none is answered. A number: every
   * answer is that status. An address: every answer leads there.
   * @param path only what is asked of it; default: everything
   */
  answer(how: boolean | 'never' | number | URL, path?: string): void
  /** ID tokens are signed by a key that it does not publish, as somebody between it and the server would. */
  forgeIdTokens(): Promise<void>
  /** Requests in all. */
  requests(): number
  /** Every token that it handed out. */
  readonly granted: readonly string[]
}

export interface OidcServerOptions {
  readonly redirectUri: string
  readonly clientSecret?: string
  /** The key that everybody has: oidc-provider's own. */
  readonly trialKey?: boolean
}

export const clientId = 'holdfast-test'

/** A real provider (oidc-provider) on loopback, with keys of its own, that asks nobody anything. */
export async function openOidcServer(options: OidcServerOptions): Promise<OidcServer> {
  let accountId = 'ann'
  let answers: boolean | 'never' | number | URL = true
  let answered: string | null = null
  let forger: jose.CryptoKey | null = null
  const granted: string[] = []
  let requests = 0
  let handle: (request: IncomingMessage, response: ServerResponse) => Promise<void> = async () => {}
  const server = createServer((request, response) => {
    requests += 1
    const elsewhere = answered !== null && answered !== request.url
    if (answers === true || elsewhere) void handle(request, response)
    else if (answers === false) request.socket.destroy()
    else if (answers instanceof URL) response.writeHead(307, { location: answers.href }).end()
    else if (answers !== 'never') response.writeHead(answers).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { privateKey } = await jose.generateKeyPair('RS256', { extractable: true })
  const key = { ...(await jose.exportJWK(privateKey)), kid: 'own-key', use: 'sig', alg: 'RS256' }
  const provider = quietly(() => new Provider(issuer, configuration(options, key)))
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/interaction/')) return next()
    const { prompt, params } = await provider.interactionDetails(context.req, context.res)
    const result = params['login_hint'] === 'refuse' ? { error: 'access_denied' } : { login: { accountId } }
    if (prompt.name !== 'login') throw new Error(`Nobody answers ${prompt.name}`)
    await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: false })
    context.respond = false
  })
  provider.use(async (context, next) => {
    await next()
    if (context.path !== '/token') return
    const body = context.body as Record<string, unknown>
    if (forger !== null) body['id_token'] = await resigned(String(body['id_token']), forger)
    granted.push(...[body['id_token'], body['access_token']].filter((token) => typeof token === 'string'))
  })
  handle = provider.callback()
  return {
    issuer,
    sign: (payload, header = {}) =>
      new jose.SignJWT(payload)
        .setProtectedHeader({ alg: 'RS256', kid: 'own-key', typ: 'at+jwt', ...header })
        .sign(privateKey),
    granted,
    requests: () => requests,
    async forgeIdTokens() {
      forger = (await jose.generateKeyPair('RS256')).privateKey
    },
    setAccount(id) {
      accountId = id
    },
    answer(how, path) {
      answers = how
      answered = path ?? null
    },
    [Symbol.asyncDispose]: () => close(server),
  }
}

function resigned(token: string, key: jose.CryptoKey): Promise<string> {
  const { alg = '', ...header } = jose.decodeProtectedHeader(token)
  return new jose.SignJWT(jose.decodeJwt(token)).setProtectedHeader({ ...header, alg }).sign(key)
}

function configuration(options: OidcServerOptions, key: jose.JWK): Configuration {
  const { redirectUri, clientSecret, trialKey } = options
  return {
    clients: [
      {
        client_id: clientId,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        ...(clientSecret === undefined
          ? { token_endpoint_auth_method: 'none' as const }
          : { client_secret: clientSecret, token_endpoint_auth_method: 'client_secret_basic' as const }),
      },
    ],
    ...(trialKey === true ? {} : { jwks: { keys: [key] as never } }),
    cookies: { keys: ['cookie-key-of-the-test'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    conformIdTokenClaims: false,
    ttl: {
      Interaction: 600,
      Grant: 600,
      Session: 600,
      AccessToken: 600,
      IdToken: 600,
      AuthorizationCode: 60,
    },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: async () => ({ sub: id, name: `Name of ${id}`, email: `${id}@example.test` }),
    }),
    async loadExistingGrant(context) {
      const { oidc } = context
      const known = oidc.session?.grantIdFor(clientId)
      // A second sign-in of the same browser does not take back what the first was granted.
      const found = known === undefined ? undefined : await oidc.provider.Grant.find(known)
      if (found !== undefined) return found
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
  }
}

/** It warns on the console that trials are trials. */
function quietly<T>(work: () => T): T {
  const { warn, info } = console
  console.warn = () => {}
  console.info = () => {}
  try {
    return work()
  } finally {
    Object.assign(console, { warn, info })
  }
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
