import { ClientFrame } from '@holdfast/protocol'
import type { RawData } from 'ws'
import { z } from 'zod'

export type ReadFrame =
  | { readonly ok: true; readonly frame: ClientFrame }
  | { readonly ok: false; readonly why: string; readonly ref?: string }

/** What of zod's account of a bad frame is sent back: it may be longer than the frame. */
const whyLength = 500

export function readFrame(data: RawData, isBinary: boolean): ReadFrame {
  if (isBinary) return { ok: false, why: 'Frames are JSON text, not binary' }
  let value: unknown
  try {
    value = JSON.parse(data.toString())
  } catch {
    return { ok: false, why: 'The frame is not JSON' }
  }
  const parsed = ClientFrame.safeParse(value)
  if (parsed.success) return { ok: true, frame: parsed.data }
  const why = z.prettifyError(parsed.error).slice(0, whyLength)
  const named = Named.safeParse(value)
  return named.success ? { ok: false, why, ref: named.data.type } : { ok: false, why }
}

const Named = z.object({ type: z.string().max(40) })
