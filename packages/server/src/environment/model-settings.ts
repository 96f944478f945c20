import { z } from 'zod'
import { type McpServer, mcpServers, mcpServersAllowed } from './mcp-setting.ts'
import { type Secret, secret } from './secret.ts'
import { directory, printable, setting, webUrl, wholeNumber } from './setting.ts'

/** Whose model it is: the part of its name before the colon. `compatible`: whoever speaks OpenAI's chat completions. */
const modelProviders = ['openai', 'anthropic', 'google', 'compatible'] as const
export type ModelProvider = (typeof modelProviders)[number]

/** What stands for the built-in rules among models. */
export const offlineName = 'offline'

// No comma: it parts one from the next.
const modelName = new RegExp(
  `^(${offlineName}|(${modelProviders.join('|')}):[\\x21-\\x2b\\x2d-\\x7e]{1,150})$`,
)

const modelNames = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(
    z
      .array(z.string().regex(modelName))
      .max(8)
      .refine((names) => new Set(names).size === names.length),
  )

const apiKey = printable.transform(secret).nullable()
const keyAllowed = 'a key as the provider gave it: printable characters without spaces'
// Credentials in a URL would be shown wherever the URL is.
const apiUrl = webUrl.refine((url) => url === null || (url.username === '' && url.password === ''))
const apiUrlAllowed = 'a URL that begins with http:// or https://, without user and password'

/** Language models, and what agents and tools there are besides our own. */
export const modelTable = {
  models: setting<readonly string[]>({
    names: ['HOLDFAST_MODEL'],
    parser: modelNames,
    fallback: [],
    allowed:
      'offline, or a model such as openai:gpt-5, anthropic:claude-sonnet-4-5, google:gemini-2.5-pro or compatible:name, or up to 8 of these with commas between them',
    sentence:
      'What answers where a message names no model. Of several, each takes over where those before it failed. Unset: offline, which is built-in rules and no language model.',
  }),
  openaiKey: setting<Secret | null>({
    names: ['HOLDFAST_OPENAI_API_KEY', 'OPENAI_API_KEY'],
    parser: apiKey,
    fallback: null,
    allowed: keyAllowed,
    sentence: 'The key for models that begin with openai:.',
    secret: true,
  }),
  openaiUrl: setting<URL | null>({
    names: ['HOLDFAST_OPENAI_BASE_URL'],
    parser: apiUrl,
    fallback: null,
    allowed: apiUrlAllowed,
    sentence: 'Where OpenAI is asked. Unset: https://api.openai.com/v1.',
  }),
  anthropicKey: setting<Secret | null>({
    names: ['HOLDFAST_ANTHROPIC_API_KEY', 'ANTHROPIC_API_KEY'],
    parser: apiKey,
    fallback: null,
    allowed: keyAllowed,
    sentence: 'The key for models that begin with anthropic:.',
    secret: true,
  }),
  anthropicUrl: setting<URL | null>({
    names: ['HOLDFAST_ANTHROPIC_BASE_URL'],
    parser: apiUrl,
    fallback: null,
    allowed: apiUrlAllowed,
    sentence: 'Where Anthropic is asked. Unset: https://api.anthropic.com/v1.',
  }),
  googleKey: setting<Secret | null>({
    names: ['HOLDFAST_GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    parser: apiKey,
    fallback: null,
    allowed: keyAllowed,
    sentence: 'The key for models that begin with google:.',
    secret: true,
  }),
  googleUrl: setting<URL | null>({
    names: ['HOLDFAST_GOOGLE_BASE_URL'],
    parser: apiUrl,
    fallback: null,
    allowed: apiUrlAllowed,
    sentence: 'Where Google is asked. Unset: https://generativelanguage.googleapis.com/v1beta.',
  }),
  compatibleUrl: setting<URL | null>({
    names: ['HOLDFAST_COMPATIBLE_BASE_URL'],
    parser: apiUrl,
    fallback: null,
    allowed: apiUrlAllowed,
    sentence:
      'Where models that begin with compatible: are asked: the part of the address before /chat/completions, such as http://127.0.0.1:11434/v1.',
  }),
  compatibleKey: setting<Secret | null>({
    names: ['HOLDFAST_COMPATIBLE_API_KEY'],
    parser: apiKey,
    fallback: null,
    allowed: keyAllowed,
    sentence: 'The key for HOLDFAST_COMPATIBLE_BASE_URL. Unset: none is sent.',
    secret: true,
  }),
  modelSilenceSeconds: setting<number>({
    names: ['HOLDFAST_MODEL_SILENCE_SECONDS'],
    parser: wholeNumber(1, 1_800),
    fallback: 180,
    allowed: 'a whole number from 1 to 1800',
    sentence: 'A language model that says nothing for so many seconds is given up.',
  }),
  agentModules: setting<readonly string[]>({
    names: ['HOLDFAST_AGENTS'],
    parser: z
      .string()
      .transform((text) => text.split(',').map((path) => path.trim()))
      .pipe(z.array(directory).max(32)),
    fallback: [],
    allowed: 'files with commas between them, such as ./my-agent.ts',
    sentence:
      'Modules with agents and tools of your own, which export agents and tools; read at the start, with all the rights of this server. See docs/agents.md.',
  }),
  mcpServers: setting<readonly McpServer[]>({
    names: ['HOLDFAST_MCP_SERVERS'],
    parser: mcpServers,
    fallback: [],
    allowed: mcpServersAllowed,
    sentence:
      'Servers of tools (Model Context Protocol over HTTP) whose tools language models may call. A tool has an effect, and asks the user first, unless effects says otherwise.',
    secret: true,
  }),
} as const
