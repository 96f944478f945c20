/**
 * One PostgreSQL server for the tests of a run, started when the first of them asks, stopped at the end however the
 * tests went: HOLDFAST_TEST_DATABASE_URL, else an embedded one. Tests reach it through
 * packages/server/src/store/testing/postgres.ts.
 */
import { createServer } from 'node:http'
import type { TestProject } from 'vitest/node'
import type { PostgresServer } from './packages/server/src/store/testing/postgres-server.ts'
import { openPostgresServer } from './packages/server/src/store/testing/postgres-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Answers GET with the URL of the server, or with 503 and the reason why there is none. */
    readonly postgresDoor: string
  }
}

const opened = new AsyncDisposableStack()
let server: Promise<PostgresServer> | null = null

export async function setup(project: TestProject): Promise<void> {
  const given = process.env['HOLDFAST_TEST_DATABASE_URL']
  const url = async (): Promise<string> => {
    if (given !== undefined) return given
    server ??= openPostgresServer()
    return (await server).url
  }
  const door = createServer((_, response) => {
    url().then(
      (text) => response.end(text),
      (error: unknown) => {
        response.statusCode = 503
        response.end(error instanceof Error ? error.message : String(error))
      },
    )
  })
  const listening = Promise.withResolvers<void>()
  door.listen(0, '127.0.0.1', () => listening.resolve())
  await listening.promise
  opened.defer(() => door.closeAllConnections())
  opened.defer(() => void door.close())
  const address = door.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port')
  project.provide('postgresDoor', `http://127.0.0.1:${address.port}`)
}

export async function teardown(): Promise<void> {
  await opened.disposeAsync()
  // One that did not start has cleaned up after itself and told those who asked.
  const running = await server?.catch(() => null)
  await running?.[Symbol.asyncDispose]()
}
