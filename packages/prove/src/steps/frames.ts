import { limits } from '@holdfast/protocol'
import { type Lab, type Person, pause } from '../lab/lab.ts'
import { openRawSocket, rawFrame } from '../wire/raw-socket.ts'
import type { ProofSocket } from '../wire/socket.ts'

/** What a server or a proxy before it says of a frame that is none. A time-out, however it is named, is none of them. */
const refusals = new Set([1002, 1003, 1007, 1008, 1009])

interface RawCase {
  readonly name: string
  readonly bytes: () => Uint8Array
  readonly code: number
}

const text = (words: string): Buffer => Buffer.from(words)

/** RFC 6455 names a code for each; behind a proxy it may be another, which is a pass that is not strict. */
export const malformedCases: readonly RawCase[] = [
  {
    name: 'not masked',
    code: 1002,
    bytes: () => rawFrame({ opcode: 1, payload: text('{}'), masked: false }),
  },
  { name: 'reserved bit 1', code: 1002, bytes: () => rawFrame({ opcode: 1, payload: text('{}'), rsv: 4 }) },
  { name: 'reserved bit 3', code: 1002, bytes: () => rawFrame({ opcode: 1, payload: text('{}'), rsv: 1 }) },
  { name: 'reserved opcode 3', code: 1002, bytes: () => rawFrame({ opcode: 3, payload: text('{}') }) },
  { name: 'reserved opcode 11', code: 1002, bytes: () => rawFrame({ opcode: 11 }) },
  { name: 'a ping in pieces', code: 1002, bytes: () => rawFrame({ opcode: 9, fin: false }) },
  {
    name: 'a ping of 126 bytes',
    code: 1002,
    bytes: () => rawFrame({ opcode: 9, payload: Buffer.alloc(126) }),
  },
  {
    name: 'a continuation of nothing',
    code: 1002,
    bytes: () => rawFrame({ opcode: 0, payload: text('{}') }),
  },
  {
    name: 'a new message within another',
    code: 1002,
    bytes: () =>
      Buffer.concat([
        rawFrame({ opcode: 1, payload: text('{'), fin: false }),
        rawFrame({ opcode: 1, payload: text('{}') }),
      ]),
  },
  {
    name: 'close with a code of nobody',
    code: 1002,
    bytes: () => rawFrame({ opcode: 8, payload: Buffer.from([0x03, 0xec]) }),
  },
  {
    name: 'close with one byte',
    code: 1002,
    bytes: () => rawFrame({ opcode: 8, payload: Buffer.from([3]) }),
  },
  {
    name: 'text that is not UTF-8',
    code: 1007,
    bytes: () => rawFrame({ opcode: 1, payload: Buffer.from([0xc3, 0x28]) }),
  },
]

const oversizeCases: readonly RawCase[] = [
  {
    name: 'one byte more than allowed',
    code: 1009,
    bytes: () => rawFrame({ opcode: 1, payload: Buffer.alloc(limits.frameBytes + 1, 0x20) }),
  },
  {
    name: 'pieces that are together too much',
    code: 1009,
    bytes: () =>
      Buffer.concat([
        rawFrame({ opcode: 1, payload: Buffer.alloc(limits.frameBytes - 1, 0x20), fin: false }),
        rawFrame({ opcode: 0, payload: Buffer.alloc(2, 0x20) }),
      ]),
  },
  {
    name: 'a header that announces 1 GiB',
    code: 1009,
    bytes: () => rawFrame({ opcode: 1, announce: 2 ** 30, payload: text('{') }),
  },
]

/** What no client sends, beside a bystander that must not notice. */
export async function framesStep(lab: Lab): Promise<void> {
  const [person] = lab.people
  if (person === undefined) return
  const bystander = await lab.session(person, [], 'bystander of frames')
  if (bystander === null) return
  for (const one of malformedCases) await rawCase(lab, person, bystander, 'frame.malformed', one)
  await largestAllowed(lab, person)
  for (const one of oversizeCases) await rawCase(lab, person, bystander, 'frame.size', one)
  await bystander.close()
  await invalidMessages(lab, person)
}

async function rawCase(
  lab: Lab,
  person: Person,
  bystander: ProofSocket,
  check: string,
  { name, bytes, code }: RawCase,
): Promise<void> {
  const raw = await openRawSocket({
    url: lab.url,
    token: person.token,
    timeoutMs: lab.plan.patienceMs,
    ca: lab.ca,
  })
  let seen: number | null = null
  if (raw.status === 101) {
    raw.write(bytes())
    seen = await raw.closeCode(lab.plan.patienceMs)
  }
  raw.destroy()
  const unharmed = (await bystander.ping()) !== null
  const refused = seen !== null && refusals.has(seen)
  lab.recorder.fact('case', {
    check,
    name,
    expected: `close ${code}, the bystander unharmed`,
    seen: `${raw.status === 101 ? `close ${seen ?? 'none'}` : `handshake ${raw.status ?? 'none'}`}${unharmed ? '' : ', the bystander was cut off'}`,
    ok: unharmed && (seen === code || refused),
    strict: seen === code,
  })
}

/** A frame of exactly the limit is read: refused as a message, not as a frame. */
async function largestAllowed(lab: Lab, person: Person): Promise<void> {
  const socket = await lab.session(person, [], 'largest frame')
  if (socket === null) return
  const before = '{"type":"unsub","stream":"user/me","fill":"'
  socket.sendText(`${before}${'x'.repeat(limits.frameBytes - before.length - 2)}"}`)
  socket.send({ type: 'sub', stream: 'user/me', after: 'head' })
  const answered = await socket.wait(({ type }) => type === 'sub_ok', lab.plan.patienceMs)
  lab.recorder.fact('case', {
    check: 'frame.size',
    name: `exactly ${limits.frameBytes} bytes`,
    expected: 'read, and the session goes on',
    seen: answered === null ? 'the session ended' : 'read',
    ok: answered !== null,
    strict: true,
  })
  await socket.close()
}

/** One bad message does not end a session; the third does. */
async function invalidMessages(lab: Lab, person: Person): Promise<void> {
  const note = (name: string, expected: string, seen: string, ok: boolean): void =>
    lab.recorder.fact('case', { check: 'msg.invalid', name, expected, seen, ok, strict: true })
  for (const [name, message] of [
    ['not JSON', '{"type":'],
    ['an array', '[]'],
    ['an unknown type', '{"type":"teleport"}'],
    ['a field that is missing', '{"type":"sub"}'],
    ['a field of another type', '{"type":"unsub","stream":7}'],
    ['a hello that is none', '{"type":"hello","instance":7}'],
    ['hello again', '{"type":"hello","instance":"again"}'],
    ['a pong that is no number', '{"type":"pong","n":"one"}'],
    ['an ack of what was never sent', '{"type":"ack","stream":"user/me","seq":-5}'],
    ['a token that is no text', '{"type":"auth","auth":1}'],
  ] as const) {
    const socket = await lab.session(person, [], `invalid: ${name}`)
    if (socket === null) continue
    socket.sendText(message)
    const refused = await socket.wait(({ type }) => type === 'error', lab.plan.patienceMs)
    socket.send({ type: 'sub', stream: 'user/me', after: 'head' })
    const goesOn = await socket.wait(({ type }) => type === 'sub_ok', lab.plan.patienceMs)
    note(
      name,
      'error, and the session goes on',
      `${refused === null ? 'no error' : `error ${String(refused['code'])}`}, ${goesOn === null ? 'the session ended' : 'it goes on'}`,
      refused !== null && goesOn !== null,
    )
    await socket.close()
  }
  const socket = await lab.session(person, [], 'invalid: three')
  if (socket === null) return
  for (let index = 0; index < limits.badFramesPerConnection; index += 1) socket.sendText('{')
  const closed = await socket.closed(lab.plan.patienceMs)
  note(
    `${limits.badFramesPerConnection} in a row`,
    'close 4500',
    `close ${closed?.code ?? 'none'}`,
    closed?.code === 4500,
  )
  await socket.close()
  // A lone binary frame is a bad message too, not a crash.
  await pause(0)
}
