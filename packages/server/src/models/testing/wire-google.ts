import {
  data,
  items,
  must,
  piecesOf,
  record,
  requireAnswered,
  type Turn,
  text,
  usage,
  type Wire,
} from './wire.ts'

/** Google's Generative Language API. A call's input is an object there: one that is no JSON cannot be said. */
export const googleWire: Wire = {
  provider: 'google',
  basePath: '/v1beta',
  path: (model) => `/v1beta/models/${model}:streamGenerateContent?alt=sse`,
  keyOf: (headers) => {
    const key = headers['x-goog-api-key']
    return typeof key === 'string' ? key : null
  },
  read(body, path) {
    const request = record(body, 'body')
    const turns: (Turn & { id?: string })[] = []
    for (const content of items(request['contents'], 'contents'))
      for (const part of items(content['parts'], 'parts')) {
        const { functionCall, functionResponse } = part
        if (functionCall !== undefined) {
          must(content['role'] === 'model', 'a function call stands in a turn of the model')
          const call = record(functionCall, 'functionCall')
          const tool = text(call['name'], 'name')
          turns.push({ role: 'call', id: tool, tool, input: record(call['args'], 'functionCall.args') })
        } else if (functionResponse !== undefined) {
          const response = record(functionResponse, 'functionResponse')
          const tool = text(response['name'], 'name')
          const output = JSON.stringify(record(response['response'], 'functionResponse.response'))
          turns.push({ role: 'result', id: tool, tool, output })
        } else
          turns.push({
            role: content['role'] === 'model' ? 'assistant' : 'user',
            text: text(part['text'], 'text'),
          })
      }
    requireAnswered(turns)
    const declared = items(request['tools'] ?? [], 'tools').flatMap((tool) =>
      items(tool['functionDeclarations'], 'functionDeclarations'),
    )
    const system = items(record(request['systemInstruction'], 'systemInstruction')['parts'], 'parts')
    return {
      model: /models\/([^:]+):/.exec(path)?.[1] ?? '',
      system: system.map((part) => text(part['text'], 'text')).join(''),
      tools: declared.map((tool) => text(tool['name'], 'name')),
      turns,
    }
  },
  frames(reply, model) {
    const chunk = (parts: readonly object[], more: object = {}): string =>
      data({ candidates: [{ index: 0, content: { role: 'model', parts }, ...more }], modelVersion: model })
    const frames = piecesOf(reply).map((piece) => chunk([{ text: piece }]))
    if (reply.kind === 'error')
      return [...frames, data({ error: { code: 503, message: reply.message, status: 'UNAVAILABLE' } })]
    if (reply.kind === 'cut' || reply.kind === 'silence') return frames
    if (reply.kind === 'calls')
      for (const { tool, input } of reply.calls)
        frames.push(chunk([{ functionCall: { name: tool, args: JSON.parse(input) as object } }]))
    return [
      ...frames,
      data({
        candidates: [{ index: 0, content: { role: 'model', parts: [{ text: '' }] }, finishReason: 'STOP' }],
        usageMetadata: {
          promptTokenCount: usage.inputTokens,
          cachedContentTokenCount: usage.cachedTokens,
          candidatesTokenCount: usage.outputTokens,
          totalTokenCount: usage.inputTokens + usage.outputTokens,
        },
        modelVersion: model,
      }),
    ]
  },
  errorBody: (status, message) => ({
    error: { code: status, message, status: status === 429 ? 'RESOURCE_EXHAUSTED' : 'INTERNAL' },
  }),
}
