import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileInfo, type RunId, systemIdMaker, type ThreadId } from '@holdfast/protocol'
import type { Principal } from '../principal.ts'
import { openMemoryStore } from '../store/pglite-store.ts'
import type { Store } from '../store/store.ts'
import type { Blobs } from './blobs.ts'
import { createWorkspace, type WorkspaceOptions } from './create-workspace.ts'
import { createDirectoryBlobs } from './directory-blobs.ts'
import type { FileProfile } from './file-profile.ts'
import type { SqlResult, Workspace } from './workspace.ts'

const makeId = systemIdMaker()

/** A workspace on a real store and a real directory, with a user who has a thread. */
export interface TestWorkspace extends AsyncDisposable {
  readonly workspace: Workspace
  readonly store: Store
  readonly blobs: Blobs
  readonly directory: string
  readonly principal: Principal
  readonly threadId: ThreadId
  readonly runId: RunId
  makeThread(owner: Principal): Promise<ThreadId>
  upload(name: string, content: string | Uint8Array): Promise<FileInfo>
  profile(file: FileInfo): Promise<FileProfile>
  /** Uploads and profiles. */
  read(name: string, content: string | Uint8Array): Promise<FileProfile>
  /** One query over the file's table `t`. */
  query(file: { readonly id: FileInfo['id'] }, sql: string): Promise<SqlResult>
}

export const makePrincipal = (): Principal => ({ kind: 'user', userId: makeId('user') })

export const untimed = (): AbortSignal => new AbortController().signal

export async function* chunksOf(content: string | Uint8Array): AsyncGenerator<Uint8Array> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

export async function openTestWorkspace(
  options: Pick<WorkspaceOptions, 'limits' | 'sqlLimits'> & Partial<Pick<WorkspaceOptions, 'blobs'>> = {},
): Promise<TestWorkspace> {
  const store = await openMemoryStore()
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-workspace-'))
  const ended = new AbortController()
  const blobs = options.blobs ?? createDirectoryBlobs({ directory: join(directory, 'blobs'), durable: false })
  const workspace = createWorkspace({ store, dataDir: directory, ended: ended.signal, ...options, blobs })
  const principal = makePrincipal()
  const makeThread = async (owner: Principal): Promise<ThreadId> => {
    const id = makeId('thread')
    await store.db.insertInto('threads').values({ id, owner: owner.userId, title: 'test' }).execute()
    return id
  }
  const threadId = await makeThread(principal)
  const runId = makeId('run')
  const upload = (name: string, content: string | Uint8Array): Promise<FileInfo> =>
    workspace.upload(principal, threadId, { name, content: chunksOf(content) }, untimed())
  const profile = (file: FileInfo): Promise<FileProfile> =>
    workspace.thread(principal, threadId).profile(file.id, untimed())
  return {
    workspace,
    store,
    blobs,
    directory,
    principal,
    threadId,
    runId,
    makeThread,
    upload,
    profile,
    read: async (name, content) => await profile(await upload(name, content)),
    async query(file, sql) {
      const job = { tables: [{ name: 't', fileId: file.id }], prepare: [], queries: [{ id: 'q', sql }] }
      const [result] = await workspace.thread(principal, threadId).runSql(job, untimed())
      if (result === undefined) throw new Error('One query has one result')
      return result
    },
    async [Symbol.asyncDispose]() {
      ended.abort()
      await store[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
