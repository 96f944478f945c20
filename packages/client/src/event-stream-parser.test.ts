import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEventStreamParser, type ServerSentEvent } from './event-stream-parser.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const parse = (...chunks: readonly Uint8Array[]): readonly ServerSentEvent[] => {
  const parser = createEventStreamParser()
  return chunks.flatMap((chunk) => parser(chunk))
}

test('fields, comments, several lines of data, and what is of no use here', () => {
  const text =
    '\uFEFF: hello\n\nid: 1\nevent: note\ndata: one\ndata:two\n\ndata\n\nretry: 5\nunknown: x\n\nid: 2\ndata:  spaced\n\ndata: cut off'
  expect(parse(encode(text))).toEqual([
    { event: 'note', data: 'one\ntwo' },
    { event: 'message', data: '' },
    { event: 'message', data: ' spaced' },
  ])
})

test('however the network cuts it, and with any line end, the messages are the same', () => {
  const text = 'id: 1\ndata: größe €\n\nevent: live\ndata: 1\n\n: beat\n\nid: 2\ndata: 👋\n\n'
  const whole = parse(encode(text))
  expect(whole).toHaveLength(3)
  fc.assert(
    fc.property(fc.constantFrom('\n', '\r\n'), fc.array(fc.nat(80), { maxLength: 20 }), (newline, cuts) => {
      const bytes = encode(text.replaceAll('\n', newline))
      const places = [
        0,
        ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
        bytes.length,
      ]
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end))
      expect(parse(...chunks)).toEqual(whole)
    }),
  )
})
