import { z } from 'zod'
import { CloseReason, closeCodes } from './close-codes.ts'
import { errorCodes, Problem } from './error-codes.ts'
import { eventTypes, StoredEvent } from './events.ts'
import { clientFrames, serverFrames, wireVersion } from './frames.ts'
import { LifecycleItem } from './lifecycle.ts'
import { limits } from './limits.ts'
import { Report } from './report.ts'
import { DataRequest, DataRequestList } from './requests.ts'
import * as resources from './resources.ts'

type JsonSchema = Record<string, unknown>

// What a peer may send is the input side of a schema: branding transforms have no JSON Schema of their own.
const json = (schema: z.ZodType): JsonSchema =>
  z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' }) as JsonSchema

const jsonAll = (schemas: Readonly<Record<string, z.ZodType>>): Record<string, JsonSchema> =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, json(schema)]))

export interface Contract {
  readonly version: typeof wireVersion
  readonly events: { readonly types: readonly string[]; readonly schema: JsonSchema }
  readonly frames: {
    readonly clientToServer: Record<string, JsonSchema>
    readonly serverToClient: Record<string, JsonSchema>
  }
  readonly resources: Record<string, JsonSchema>
  readonly closeCodes: typeof closeCodes
  readonly errorCodes: typeof errorCodes
  readonly limits: typeof limits
}

/** What `GET /v1/contract` serves: JSON Schema 2020-12 for everything that travels, with codes and limits. */
export function contract(): Contract {
  const { Run, Thread, ThreadList, ThreadState, CreateThread, PatchThread, SubmitRun } = resources
  const { FileInfo, ArtifactInfo, EventPage, Session, AgentList } = resources
  const { Version, Readiness } = resources
  const { FileProfileInfo, FileRows, Operations } = resources
  const { CreateToken, TokenInfo, TokenList, CreatedToken, WsTicket } = resources
  return {
    version: wireVersion,
    events: { types: eventTypes, schema: json(StoredEvent) },
    frames: { clientToServer: jsonAll(clientFrames), serverToClient: jsonAll(serverFrames) },
    resources: jsonAll({
      Thread,
      ThreadList,
      ThreadState,
      CreateThread,
      PatchThread,
      Run,
      SubmitRun,
      FileInfo,
      FileProfileInfo,
      FileRows,
      ArtifactInfo,
      EventPage,
      Session,
      CreateToken,
      TokenInfo,
      TokenList,
      CreatedToken,
      WsTicket,
      AgentList,
      Version,
      Readiness,
      Operations,
      DataRequest,
      DataRequestList,
      LifecycleItem,
      CloseReason,
      Report,
      Problem,
    }),
    closeCodes,
    errorCodes,
    limits,
  }
}
