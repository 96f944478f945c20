import { position, type Stream, systemIdMaker, threadStream } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { createCredentials } from './credentials.ts'
import { openEventStreams } from './event-stream-transport.ts'
import type { ReceivedFrame } from './received-frame.ts'

const makeId = systemIdMaker()
const stream: Stream = threadStream(makeId('thread'))
const page = { epoch: makeId('epoch'), head: 3, items: [] }

/** Event streams of a server that has three events and tells of none. */
function open() {
  const frames: ReceivedFrame[] = []
  const streaming = Promise.withResolvers<void>()
  const transport = openEventStreams(
    {
      http: {
        url: 'http://fake',
        credentials: createCredentials('token'),
        async fetch(_address, { headers, signal } = {}) {
          signal?.throwIfAborted()
          if (new Headers(headers).get('accept') !== 'text/event-stream') return Response.json(page)
          streaming.resolve()
          return new Response(new ReadableStream(), { headers: { 'content-type': 'text/event-stream' } })
        },
      },
      setTimer: () => () => {},
      silenceMs: 1,
    },
    {
      opened() {},
      alive() {},
      epoch() {},
      frame: (frame) => void frames.push(frame),
      lost() {},
    },
  )
  return { transport, frames, streaming: streaming.promise }
}

test('[S4] every question gets an answer, also one that another took the place of, or that was taken back', async () => {
  const { transport, frames, streaming } = open()
  transport.send({ type: 'hello', instance: 'x', subs: [{ stream, after: position(2) }] })
  transport.send({ type: 'sub', stream, after: position(1) })
  transport.send({ type: 'unsub', stream })
  transport.send({ type: 'sub', stream, after: position(0) })
  await streaming
  expect(frames).toEqual(
    Array.from({ length: 3 }, () => ({ type: 'sub_ok', stream, floor: position(0), head: position(3) })),
  )
  transport.close(1000)
})
