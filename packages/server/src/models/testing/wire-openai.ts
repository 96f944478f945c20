import {
  event,
  halves,
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

/** A text, or its parts. */
const contentOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : items(content, 'content')
        .map((part) => text(part['text'], 'text'))
        .join('')

/** OpenAI's Responses API. */
export const openaiWire: Wire = {
  provider: 'openai',
  basePath: '/v1',
  path: () => '/v1/responses',
  keyOf: ({ authorization }) => /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? null,
  read(body) {
    const request = record(body, 'body')
    must(request['stream'] === true, 'stream must be true')
    must(request['store'] === false, 'this server stores nothing')
    let system = ''
    const turns: (Turn & { id?: string })[] = []
    const names = new Map<string, string>()
    for (const item of items(request['input'], 'input')) {
      if (item['type'] === 'function_call') {
        const id = text(item['call_id'], 'call_id')
        const tool = text(item['name'], 'name')
        names.set(id, tool)
        turns.push({ role: 'call', id, tool, input: JSON.parse(text(item['arguments'], 'arguments')) })
      } else if (item['type'] === 'function_call_output') {
        const id = text(item['call_id'], 'call_id')
        turns.push({ role: 'result', id, tool: names.get(id) ?? '', output: text(item['output'], 'output') })
      } else if (item['role'] === 'system' || item['role'] === 'developer')
        system = text(item['content'], 'content')
      else
        turns.push({
          role: item['role'] === 'assistant' ? 'assistant' : 'user',
          text: contentOf(item['content']),
        })
    }
    requireAnswered(turns)
    const tools = items(request['tools'] ?? [], 'tools').map((tool) => {
      must(tool['type'] === 'function', 'tools must be functions')
      must(record(tool['parameters'], 'parameters')['type'] === 'object', 'parameters must be of type object')
      return text(tool['name'], 'name')
    })
    return { model: text(request['model'], 'model'), system, tools, turns }
  },
  frames(reply, model) {
    const response = { id: 'resp_1', created_at: 1_790_000_000, model }
    const frames = [event('response.created', { response })]
    const pieces = piecesOf(reply)
    const message = { type: 'message', id: 'msg_1', role: 'assistant' }
    if (pieces.length > 0) {
      frames.push(event('response.output_item.added', { output_index: 0, item: { ...message, content: [] } }))
      for (const delta of pieces)
        frames.push(
          event('response.output_text.delta', { item_id: 'msg_1', output_index: 0, content_index: 0, delta }),
        )
    }
    if (reply.kind === 'error')
      return [
        ...frames,
        event('error', {
          sequence_number: 9,
          error: { type: 'server_error', code: 'server_error', message: reply.message, param: null },
        }),
      ]
    if (reply.kind === 'cut' || reply.kind === 'silence') return frames
    if (pieces.length > 0)
      frames.push(
        event('response.output_item.done', {
          output_index: 0,
          item: {
            ...message,
            status: 'completed',
            content: [{ type: 'output_text', text: pieces.join(''), annotations: [] }],
          },
        }),
      )
    if (reply.kind === 'calls')
      for (const [index, { tool, input }] of reply.calls.entries()) {
        const item = { type: 'function_call', id: `fc_${index}`, call_id: `call_${index}`, name: tool }
        frames.push(
          event('response.output_item.added', { output_index: index, item: { ...item, arguments: '' } }),
        )
        for (const delta of halves(input))
          frames.push(
            event('response.function_call_arguments.delta', { item_id: item.id, output_index: index, delta }),
          )
        frames.push(
          event('response.output_item.done', {
            output_index: index,
            item: { ...item, arguments: input, status: 'completed' },
          }),
        )
      }
    return [
      ...frames,
      event('response.completed', {
        response: {
          ...response,
          incomplete_details: null,
          usage: {
            input_tokens: usage.inputTokens,
            input_tokens_details: { cached_tokens: usage.cachedTokens },
            output_tokens: usage.outputTokens,
            output_tokens_details: { reasoning_tokens: 0 },
          },
        },
      }),
    ]
  },
  errorBody: (status, message) => ({
    error: {
      message,
      type: status === 429 ? 'rate_limit_exceeded' : 'server_error',
      param: null,
      code: null,
    },
  }),
}
