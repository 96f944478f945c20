import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSecretManager, type SecretManager } from './secret-manager.ts'
import { openSecretManagerServer, type SecretManagerServer } from './testing/secret-manager-server.ts'

let server: SecretManagerServer
let manager: SecretManager
beforeAll(async () => {
  server = await openSecretManagerServer()
  manager = await openSecretManager(new URL(server.url))
})
afterAll(async () => {
  await manager[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

test('the real client: a secret is made, filled, read, listed and its version disabled', async () => {
  const secret = { project: 'acme-staging', secret: 'holdfast-e2e' }
  const name = 'projects/acme-staging/secrets/holdfast-e2e'
  await manager.create(secret)
  expect(await manager.add(secret, 'one')).toBe('1')
  expect(await manager.add(secret, 'two')).toBe('2')
  expect(await manager.read(`${name}/versions/1`)).toBe('one')
  await manager.disable(`${name}/versions/1`)
  const at = expect.any(Date)
  expect(await manager.versions(secret)).toEqual([
    { version: '2', state: 'enabled', createdAt: at },
    { version: '1', state: 'disabled', createdAt: at },
  ])
  await expect(manager.read(`${name}/versions/1`)).rejects.toMatchObject({
    code: 'bad_request',
    message: expect.stringContaining('disabled'),
  })
  await expect(manager.create(secret)).rejects.toMatchObject({ code: 'bad_request' })
  expect(server.requests.slice(0, 2)).toEqual([
    'POST /v1/projects/acme-staging/secrets?secretId=holdfast-e2e&$alt=json%3Benum-encoding=int',
    'POST /v1/projects/acme-staging/secrets/holdfast-e2e:addVersion?$alt=json%3Benum-encoding=int',
  ])
})

test('what is refused is said in words, and holds nothing of what was sent', async () => {
  await expect(manager.read('projects/p/secrets/none/versions/1')).rejects.toMatchObject({
    code: 'not_found',
  })
  const refused = manager.add({ project: 'forbidden', secret: 's' }, 'geheim')
  await expect(refused).rejects.toMatchObject({ code: 'forbidden' })
  await expect(refused).rejects.not.toThrow(/geheim/)
})

test('nobody there: not ready, so that a boot tries again', async () => {
  const gone = await openSecretManagerServer()
  const url = new URL(gone.url)
  await gone[Symbol.asyncDispose]()
  await using nobody = await openSecretManager(url)
  await expect(nobody.read('projects/p/secrets/s/versions/1')).rejects.toMatchObject({ code: 'not_ready' })
})
