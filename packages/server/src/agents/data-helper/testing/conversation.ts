import type { ArtifactInfo, EventData, FileInfo, Json, Outcome, Report } from '@holdfast/protocol'
import { HoldfastError, systemIdMaker } from '@holdfast/protocol'
import type { EarlierRun, ToolContext, ToolResult } from '../../../tools/define-tool.ts'
import type { FileProfile } from '../../../workspace/file-profile.ts'
import type { ThreadWorkspace } from '../../../workspace/workspace.ts'
import { dataHelperTools } from '../data-helper.ts'
import { dataHelperRules } from '../offline-rules.ts'
import { TriageOutput } from '../tool-outputs.ts'
import type { TestFiles } from './open-files.ts'

/** What one message of a thread came to. */
export interface Turn {
  readonly outcome: Outcome | 'failed'
  /** What the assistant says; of a failed run the error. */
  readonly text: string
  readonly report: Report | null
  readonly request: EventData<'data_requested'> | null
  /** Fields of the open request that the files of this message satisfied. */
  readonly received: readonly string[]
  /** The playbook triage chose; null where it asked or declined. */
  readonly playbook: string | null
  /** The tools that ran, in order. */
  readonly tools: readonly string[]
}

export interface Conversation {
  say(text: string, ...files: readonly FileProfile[]): Promise<Turn>
}

/**
 * A thread with the data helper as the offline rules drive it: the real tools, the real ingest and SQL, and its
 * artifacts in memory. No server, no store: what those add is tested where they stand.
 */
export function openConversation(
  files: TestFiles,
  options: { readonly charts?: boolean } = {},
): Conversation {
  const makeId = systemIdMaker()
  const threadId = makeId('thread')
  const held: FileProfile[] = []
  const earlier: EarlierRun[] = []
  const artifacts = new Map<string, string | Uint8Array>()
  const workspace: ThreadWorkspace = {
    files: async () => held.map((profile) => infoOf(profile, threadId)),
    profile: async (fileId) => {
      const found = held.find((profile) => profile.fileId === fileId)
      if (found === undefined) throw new HoldfastError('not_found', `There is no file ${fileId}`)
      return found
    },
    runSql: (job) => files.run(job),
    async createArtifact(runId, { kind, title, mediaType, rows, content }): Promise<ArtifactInfo> {
      const id = makeId('artifact')
      artifacts.set(id, content)
      const bytes = content.length
      const createdAt = new Date(0).toISOString()
      return { id, threadId, runId, kind, title, mediaType, rows: rows ?? null, bytes, createdAt }
    },
    async readArtifact(id) {
      const content = artifacts.get(id)
      if (content === undefined) throw new HoldfastError('not_found', `There is no artifact ${id}`)
      return typeof content === 'string' ? new TextEncoder().encode(content) : content
    },
  }
  const { signal } = new AbortController()

  return {
    async say(text, ...added) {
      held.push(...added)
      const message = { id: makeId('message'), text, files: added.map(({ fileId }) => fileId) }
      const runId = makeId('run')
      const results: ToolResult[] = []
      const tools: string[] = []
      let request: Turn['request'] = null
      const received: string[] = []
      let playbook: string | null = null
      let report: Report | null = null
      const context = (): ToolContext => ({
        principal: { kind: 'local', userId: makeId('user') },
        threadId,
        runId,
        callId: makeId('call'),
        idempotencyKey: runId,
        signal,
        workspace,
        message,
        earlier,
        results,
      })
      const end = (outcome: Turn['outcome'], answer: string): Turn => {
        earlier.push({ message, outcome, answer, request })
        return { outcome, text: answer, report, request, received, playbook, tools }
      }
      for (;;) {
        const step = dataHelperRules(results)
        if (step.kind === 'fail') return end('failed', step.error.message)
        if (step.kind === 'say') {
          const settled = results.findLast(({ tool }) => tool === 'write_report' || tool === 'request_data')
          const tool = dataHelperTools.find(({ name }) => name === settled?.tool)
          if (settled === undefined || tool?.conclude === undefined)
            throw new Error('Nothing settled the run')
          return end(tool.conclude(settled.output).outcome, step.text)
        }
        const tool = dataHelperTools.find(({ name }) => name === step.tool)
        if (tool === undefined) throw new Error(`There is no tool ${step.tool}`)
        tools.push(tool.name)
        // Charts say nothing that a figure does not, and each takes a tenth of a second to draw.
        if (tool.name === 'draw_chart' && options.charts !== true) {
          results.push({ tool: tool.name, ok: true, output: { charts: [] } })
          continue
        }
        try {
          const { output, events } = await tool.execute(tool.input.parse(step.input), context())
          results.push({ tool: tool.name, ok: true, output: jsonText(output) })
          if (tool.name === 'triage') {
            const triaged = TriageOutput.parse(output)
            playbook = triaged.decision === 'analyse' ? triaged.playbook : null
          }
          for (const event of events ?? []) {
            if (event.type === 'data_requested') request = event.data
            if (event.type === 'data_received') received.push(...event.data.satisfied)
            if (event.type === 'artifact_created' && event.data.kind === 'report')
              report = JSON.parse(String(artifacts.get(event.data.artifactId))) as Report
          }
        } catch (error) {
          if (!(error instanceof HoldfastError)) throw error
          results.push({ tool: tool.name, ok: false, output: `${error.code}: ${error.message}` })
        }
      }
    },
  }
}

/** As a run's log gives a result back: without what JSON does not have. */
const jsonText = (output: Json): Json => JSON.parse(JSON.stringify(output)) as Json

function infoOf({ fileId, fileName, kind }: FileProfile, threadId: FileInfo['threadId']): FileInfo {
  return {
    id: fileId,
    threadId,
    name: fileName,
    kind,
    bytes: 1,
    sha256: '',
    createdAt: new Date(0).toISOString(),
  }
}
