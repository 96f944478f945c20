/**
 * Google Secret Manager, over its REST protocol. The client takes half a second to load:
 * it is loaded when somebody opens this, and by nobody else. No optional dependency: npm under Node 20, which installs us,
 * leaves out such as ask for a newer Node, and says nothing.
 */
import { HoldfastError } from '@holdfast/protocol'

export interface SecretVersion {
  /** By its number. */
  readonly version: string
  readonly state: 'enabled' | 'disabled' | 'destroyed'
  readonly createdAt: Date | null
}

export interface SecretManager extends AsyncDisposable {
  /** @throws {HoldfastError} not_found, forbidden, not_ready; and so all of them */
  create(secret: SecretName): Promise<void>
  /** Resolves with the number of the new version. */
  add(secret: SecretName, content: string): Promise<string>
  /** @param version full resource name */
  read(version: string): Promise<string>
  disable(version: string): Promise<void>
  /** The newest first. */
  versions(secret: SecretName): Promise<readonly SecretVersion[]>
}

export interface SecretName {
  readonly project: string
  readonly secret: string
}

/** Of one call. */
const callMs = 10_000

export const secretPath = ({ project, secret }: SecretName): string => `projects/${project}/secrets/${secret}`

/**
 * With the credentials that Google's client finds: of the platform, or of `gcloud auth application-default login`.
 * @param url a stand-in on this machine, asked without credentials; null: Google
 * @throws {HoldfastError} not_ready: the client is not installed
 */
export async function openSecretManager(url: URL | null): Promise<SecretManager> {
  const client = await createClient(url)
  // Repeating is decided in one place, and that is not the client (retry.ts).
  const call = { timeout: callMs, retry: null }
  return {
    async create({ project, secret }) {
      const request = {
        parent: `projects/${project}`,
        secretId: secret,
        secret: { replication: { automatic: {} }, labels: { 'managed-by': 'holdfast' } },
      }
      await told(client.createSecret(request, call))
    },
    async add(secret, content) {
      const [{ name }] = await told(
        client.addSecretVersion(
          { parent: secretPath(secret), payload: { data: Buffer.from(content) } },
          call,
        ),
      )
      return numberOf(name)
    },
    async read(version) {
      const [{ payload }] = await told(client.accessSecretVersion({ name: version }, call))
      return Buffer.from(payload?.data ?? '').toString('utf8')
    },
    async disable(version) {
      await told(client.disableSecretVersion({ name: version }, call))
    },
    async versions(secret) {
      const [versions] = await told(client.listSecretVersions({ parent: secretPath(secret) }, call))
      return versions.map(({ name, state, createTime }) => ({
        version: numberOf(name),
        state: stateOf(state),
        createdAt: createTime?.seconds == null ? null : new Date(Number(createTime.seconds) * 1000),
      }))
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

const numberOf = (name: string | null | undefined): string => /\/versions\/(\d+)$/.exec(name ?? '')?.[1] ?? ''

function stateOf(state: unknown): SecretVersion['state'] {
  // As a name over REST, as a number of the enum elsewhere.
  if (state === 'ENABLED' || state === 1) return 'enabled'
  return state === 'DISABLED' || state === 2 ? 'disabled' : 'destroyed'
}

async function createClient(url: URL | null) {
  const { SecretManagerServiceClient } = await installed(import('@google-cloud/secret-manager'))
  // `fallback`: HTTP and JSON, without gRPC.
  if (url === null) return new SecretManagerServiceClient({ fallback: true })
  const { PassThroughClient } = await installed(import('google-auth-library'))
  return new SecretManagerServiceClient({
    fallback: true,
    apiEndpoint: url.hostname,
    port: Number(url.port || 80),
    protocol: 'http',
    authClient: new PassThroughClient(),
  })
}

async function installed<Module>(module: Promise<Module>): Promise<Module> {
  try {
    return await module
  } catch (error) {
    throw new HoldfastError(
      'not_ready',
      'The client of Google Secret Manager is not installed: `npm install @google-cloud/secret-manager`',
      { cause: error },
    )
  }
}

/** google.rpc.Code */
const codes: Readonly<
  Record<number, readonly ['not_found' | 'forbidden' | 'not_ready' | 'bad_request', string]>
> = {
  3: ['bad_request', 'says that the name is not valid'],
  4: ['not_ready', 'does not answer in time'],
  5: ['not_found', 'has no such secret or version'],
  6: ['bad_request', 'has this secret already'],
  7: ['forbidden', 'does not let these credentials do that'],
  9: ['bad_request', 'says that this version is disabled or destroyed'],
  14: ['not_ready', 'does not answer'],
  16: ['forbidden', 'does not know these credentials'],
}

/** As errors of ours, that hold nothing of what was sent. */
async function told<Result>(call: Promise<Result>): Promise<Result> {
  try {
    return await call
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null
    const [known, says] = typeof code === 'number' ? (codes[code] ?? []) : []
    if (known !== undefined) throw new HoldfastError(known, `Google Secret Manager ${says}`)
    if (error instanceof Error && /default credentials/i.test(error.message))
      throw new HoldfastError(
        'forbidden',
        'There are no credentials for Google here: run `gcloud auth application-default login`, or run on the platform',
      )
    throw new HoldfastError(
      'not_ready',
      `Google Secret Manager cannot be asked (${String(code ?? 'no code')})`,
    )
  }
}
