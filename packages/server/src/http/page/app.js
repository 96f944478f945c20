import { call, follow } from './api.js'
import { createRunView, make } from './view.js'

const examples = [
  'Where does the money go?',
  'Why is it slow, what is our p95?',
  'What is our peak load in requests and tokens per minute?',
]
const at = (id) => document.getElementById(id)
const question = at('question')

/** The thread on the page; null: a new one, made by the first file or question. */
let thread = null
let endFollow = () => {}
let runs = new Map()
let attached = new Map()

const status = (text) => {
  at('status').textContent = text
}
/** What a click does: its error is shown, not lost. */
const act = (task) => async (event) => {
  event?.preventDefault?.()
  at('problem').textContent = ''
  try {
    await task(event)
  } catch (error) {
    if (error.status === 401) location.assign('/login')
    else at('problem').textContent = error.message
  }
}

async function listThreads() {
  const { items } = await call('GET', '/v1/threads')
  at('threads').replaceChildren(
    ...items.map(({ id, title }) => {
      const open = make('button', {
        type: 'button',
        textContent: title || 'Untitled',
        onclick: act(() => show(id)),
      })
      if (id === thread) open.setAttribute('aria-current', 'true')
      return make('li', {}, open)
    }),
  )
}

function clear() {
  endFollow()
  endFollow = () => {}
  thread = null
  runs = new Map()
  attached = new Map()
  at('runs').replaceChildren()
  showFiles()
  at('welcome').hidden = false
}

async function show(id) {
  clear()
  thread = id
  history.replaceState(null, '', `#${id}`)
  for (const file of (await call('GET', `/v1/threads/${id}/files`)).items) attached.set(file.id, file)
  showFiles()
  endFollow = follow(id, { onEvent: apply, onStatus: status })
  await listThreads()
}

function apply(event) {
  at('welcome').hidden = true
  const { runId } = event
  let view = runs.get(runId)
  if (view === undefined) {
    view = createRunView(runId, {
      onChoice: act(ask),
      onCancel: act(() => call('POST', `/v1/runs/${runId}/cancel`, {})),
    })
    runs.set(runId, view)
    at('runs').append(view.root)
    view.root.scrollIntoView({ block: 'start' })
  }
  const sentence = view.apply(event)
  if (sentence === null) return
  at('announce').textContent = sentence
  // The answer has grown under the form since the run began.
  view.root.scrollIntoView({ block: 'start' })
}

function showFiles() {
  at('files').replaceChildren(
    ...[...attached.values()].map(({ id, name, kind, bytes }) =>
      make(
        'li',
        {},
        `${name} `,
        make('small', { textContent: `${kind}, ${size(bytes)} ` }),
        make('button', {
          type: 'button',
          className: 'quiet',
          textContent: 'Remove',
          ariaLabel: `Remove ${name}`,
          onclick: act(async () => {
            await call('DELETE', `/v1/files/${id}`)
            attached.delete(id)
            showFiles()
          }),
        }),
      ),
    ),
  )
}

function size(bytes) {
  const [unit, scale] = bytes < 1024 ? ['bytes', 1] : bytes < 1024 ** 2 ? ['KiB', 1024] : ['MiB', 1024 ** 2]
  return `${(bytes / scale).toFixed(scale === 1024 ** 2 ? 1 : 0)} ${unit}`
}

async function ensureThread(title) {
  if (thread === null) await show((await call('POST', '/v1/threads', { title: title.slice(0, 80) })).id)
}

async function upload(files) {
  for (const file of files) {
    await ensureThread(file.name)
    const form = new FormData()
    form.set('file', file)
    status(`Uploading ${file.name}…`)
    try {
      const info = await call('POST', `/v1/threads/${thread}/files`, form)
      attached.set(info.id, info)
    } finally {
      status('Connected')
    }
    showFiles()
  }
}

async function ask(text) {
  await ensureThread(text)
  const first = runs.size === 0
  await call('POST', `/v1/threads/${thread}/runs`, { message: text, files: [...attached.keys()] })
  // A conversation that began with a file bears the file's name until something is asked.
  if (first) await call('PATCH', `/v1/threads/${thread}`, { title: text.slice(0, 80) })
  if (first) await listThreads()
  question.value = ''
}

at('ask').onsubmit = act(() => ask(question.value.trim()))
at('new').onclick = act(async () => {
  clear()
  history.replaceState(null, '', '/')
  question.focus()
  await listThreads()
})
at('file').onchange = act(async ({ target }) => {
  await upload([...target.files])
  target.value = ''
})
question.onkeydown = (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) at('ask').requestSubmit()
}
document.ondragover = (event) => {
  event.preventDefault()
  document.body.classList.add('dropping')
}
document.ondragleave = (event) => {
  if (event.relatedTarget === null) document.body.classList.remove('dropping')
}
document.ondrop = act(async (event) => {
  document.body.classList.remove('dropping')
  await upload([...event.dataTransfer.files])
})
at('examples').append(
  ...examples.map((text) => {
    const onclick = () => {
      question.value = text
      question.focus()
    }
    return make('li', {}, make('button', { type: 'button', textContent: text, onclick }))
  }),
)

await act(async () => {
  await call('GET', '/v1/session')
  status('Ready')
  const wanted = location.hash.slice(1)
  if (/^thr_[0-9A-Z]{26}$/.test(wanted)) await show(wanted)
  else await listThreads()
})()
