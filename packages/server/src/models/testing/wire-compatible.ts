import {
  data,
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

/** Chat completions, as OpenAI made them and many others speak them. */
export const compatibleWire: Wire = {
  provider: 'compatible',
  basePath: '/v1',
  path: () => '/v1/chat/completions',
  keyOf: ({ authorization }) => /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? null,
  read(body) {
    const request = record(body, 'body')
    must(request['stream'] === true, 'stream must be true')
    let system = ''
    const turns: (Turn & { id?: string })[] = []
    const names = new Map<string, string>()
    for (const message of items(request['messages'], 'messages')) {
      switch (message['role']) {
        case 'system':
          system = text(message['content'], 'content')
          break
        case 'tool': {
          const id = text(message['tool_call_id'], 'tool_call_id')
          const output = text(message['content'], 'content')
          turns.push({ role: 'result', id, tool: names.get(id) ?? '', output })
          break
        }
        default: {
          const content = message['content']
          if (typeof content === 'string' && content !== '')
            turns.push({ role: message['role'] === 'assistant' ? 'assistant' : 'user', text: content })
          for (const call of items(message['tool_calls'] ?? [], 'tool_calls')) {
            const id = text(call['id'], 'id')
            const made = record(call['function'], 'function')
            const tool = text(made['name'], 'name')
            names.set(id, tool)
            turns.push({ role: 'call', id, tool, input: JSON.parse(text(made['arguments'], 'arguments')) })
          }
        }
      }
    }
    requireAnswered(turns)
    const tools = items(request['tools'] ?? [], 'tools').map((tool) =>
      text(record(tool['function'], 'function')['name'], 'name'),
    )
    return { model: text(request['model'], 'model'), system, tools, turns }
  },
  frames(reply, model) {
    const chunk = (delta: object, finishReason: string | null = null): string =>
      data({
        id: 'chatcmpl-1',
        object: 'chat.completion.chunk',
        created: 1_790_000_000,
        model,
        choices: [{ index: 0, delta, finish_reason: finishReason }],
      })
    const frames = [
      chunk({ role: 'assistant', content: '' }),
      ...piecesOf(reply).map((content) => chunk({ content })),
    ]
    if (reply.kind === 'error')
      return [...frames, data({ error: { message: reply.message, type: 'server_error', code: null } })]
    if (reply.kind === 'cut' || reply.kind === 'silence') return frames
    const calls = reply.kind === 'calls' ? reply.calls : []
    for (const [index, { tool, input }] of calls.entries()) {
      const begun = { index, id: `call_${index}`, type: 'function', function: { name: tool, arguments: '' } }
      frames.push(chunk({ tool_calls: [begun] }))
      for (const half of halves(input))
        frames.push(chunk({ tool_calls: [{ index, function: { arguments: half } }] }))
    }
    frames.push(chunk({}, calls.length > 0 ? 'tool_calls' : 'stop'))
    frames.push(
      data({
        id: 'chatcmpl-1',
        object: 'chat.completion.chunk',
        created: 1_790_000_000,
        model,
        choices: [],
        usage: {
          prompt_tokens: usage.inputTokens,
          prompt_tokens_details: { cached_tokens: usage.cachedTokens },
          completion_tokens: usage.outputTokens,
          total_tokens: usage.inputTokens + usage.outputTokens,
        },
      }),
    )
    return [...frames, 'data: [DONE]\n\n']
  },
  errorBody: (_, message) => ({ error: { message, type: 'server_error', code: null } }),
}
