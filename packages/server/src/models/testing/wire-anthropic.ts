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

/** Anthropic's Messages API. */
export const anthropicWire: Wire = {
  provider: 'anthropic',
  basePath: '/v1',
  path: () => '/v1/messages',
  keyOf: (headers) => {
    const key = headers['x-api-key']
    return typeof key === 'string' && headers['anthropic-version'] !== undefined ? key : null
  },
  read(body) {
    const request = record(body, 'body')
    must(request['stream'] === true, 'stream must be true')
    must(typeof request['max_tokens'] === 'number', 'max_tokens: Field required')
    const turns: (Turn & { id?: string })[] = []
    const names = new Map<string, string>()
    let before = 'assistant'
    for (const message of items(request['messages'], 'messages')) {
      const role = text(message['role'], 'role')
      must(role !== before, 'messages: roles must alternate')
      before = role
      for (const part of items(message['content'], 'content')) {
        if (part['type'] === 'tool_use') {
          must(role === 'assistant', 'tool_use blocks stand in assistant messages')
          const id = text(part['id'], 'id')
          must(/^[a-zA-Z0-9_-]+$/.test(id), 'tool_use.id: String should match pattern')
          const tool = text(part['name'], 'name')
          names.set(id, tool)
          turns.push({ role: 'call', id, tool, input: record(part['input'], 'tool_use.input') })
        } else if (part['type'] === 'tool_result') {
          const id = text(part['tool_use_id'], 'tool_use_id')
          const output = part['content']
          turns.push({
            role: 'result',
            id,
            tool: names.get(id) ?? '',
            output:
              typeof output === 'string'
                ? output
                : items(output, 'content')
                    .map((piece) => text(piece['text'], 'text'))
                    .join(''),
          })
        } else
          turns.push({ role: role === 'assistant' ? 'assistant' : 'user', text: text(part['text'], 'text') })
      }
    }
    requireAnswered(turns)
    const tools = items(request['tools'] ?? [], 'tools').map((tool) => {
      must(
        record(tool['input_schema'], 'input_schema')['type'] === 'object',
        'input_schema.type: Field required',
      )
      return text(tool['name'], 'name')
    })
    const system = items(request['system'] ?? [], 'system')
      .map((part) => text(part['text'], 'text'))
      .join('')
    return { model: text(request['model'], 'model'), system, tools, turns }
  },
  frames(reply, model) {
    const fresh = usage.inputTokens - usage.cachedTokens
    const frames = [
      event('message_start', {
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: {
            input_tokens: fresh,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: usage.cachedTokens,
            output_tokens: 1,
          },
        },
      }),
      event('ping', {}),
    ]
    const pieces = piecesOf(reply)
    if (pieces.length > 0) {
      frames.push(event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }))
      for (const piece of pieces)
        frames.push(event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: piece } }))
    }
    if (reply.kind === 'error')
      return [...frames, event('error', { error: { type: 'overloaded_error', message: reply.message } })]
    if (reply.kind === 'cut' || reply.kind === 'silence') return frames
    if (pieces.length > 0) frames.push(event('content_block_stop', { index: 0 }))
    const calls = reply.kind === 'calls' ? reply.calls : []
    for (const [index, { tool, input }] of calls.entries()) {
      const block = { type: 'tool_use', id: `toolu_${index}`, name: tool, input: {} }
      frames.push(event('content_block_start', { index, content_block: block }))
      for (const half of halves(input))
        frames.push(
          event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: half } }),
        )
      frames.push(event('content_block_stop', { index }))
    }
    return [
      ...frames,
      event('message_delta', {
        delta: { stop_reason: calls.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null },
        usage: { output_tokens: usage.outputTokens },
      }),
      event('message_stop', {}),
    ]
  },
  errorBody: (status, message) => ({
    type: 'error',
    error: { type: status === 429 ? 'rate_limit_error' : 'api_error', message },
  }),
}
