// What the page shows. Everything a user, a file or a model wrote goes in as text, never as HTML.

export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag)
  const { data, ...rest } = props
  Object.assign(element, rest)
  Object.assign(element.dataset, data)
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

/** A run as it goes: its question, its steps, and whatever it comes to. */
export function createRunView(runId, { onChoice, onCancel }) {
  const steps = make('ol', { className: 'steps' })
  const state = make('span', { className: 'state', textContent: 'Waiting' })
  const cancel = make('button', {
    type: 'button',
    className: 'quiet',
    textContent: 'Stop',
    onclick: onCancel,
  })
  const details = make('details', { open: true }, make('summary', {}, 'Steps ', state), steps)
  const question = make('h3', {})
  const answer = make('div', { className: 'answer' })
  const extras = make('div', { className: 'extras' })
  const evidence = make('div', {})
  const progress = make('div', { className: 'row top' }, details, cancel)
  const root = make('article', {}, question, progress, answer, extras, evidence)
  const calls = new Map()
  let text = ''
  // A report or a request card says what the streamed text says, and more.
  let replaced = false

  const step = (kind, label, detail) => {
    const line = make('li', { data: { kind } }, make('strong', { textContent: label }))
    if (detail) line.append(' ', make('span', { textContent: detail }))
    steps.append(line)
    return line
  }
  const end = (kind, label, detail) => {
    step(kind, label, detail)
    state.textContent = label
    state.dataset.kind = kind
    details.open = false
    cancel.remove()
  }
  const showText = () => {
    if (!replaced) answer.replaceChildren(...markdown(text))
  }

  const handlers = {
    run_queued({ message }) {
      question.textContent = message.text
    },
    agent_started({ attempt, model, offline }) {
      state.textContent = 'Working'
      const note = attempt > 1 ? `again, attempt ${attempt}, with what was done before` : ''
      step('started', 'Started', `${model}${offline ? ' (offline rules)' : ''} ${note}`)
    },
    agent_thinking: ({ text: thought }) => step('thinking', 'Thinking', thought),
    message_delta(delta) {
      text += delta.text
      showText()
    },
    tool_executing: ({ callId, tool }) => calls.set(callId, step('tool', 'Tool', tool)),
    tool_completed({ callId, tool, ok, error, durationMs }) {
      const line = calls.get(callId) ?? step('tool', 'Tool', tool)
      line.dataset.kind = ok ? 'done' : 'failed'
      line.append(` – ${ok ? 'done' : (error?.message ?? 'failed')}, ${Math.round(durationMs)} ms`)
    },
    data_requested(request) {
      extras.append(requestCard(request, onChoice))
      replaced = true
      answer.replaceChildren()
    },
    data_received: ({ satisfied }) => step('done', 'Data received', satisfied.join(', ')),
    artifact_created({ artifactId, kind, title }) {
      const url = `/v1/artifacts/${artifactId}`
      if (kind === 'report') void showReport(url)
      else if (kind === 'chart') extras.append(chart(url, title))
    },
    agent_completed({ outcome, summary, durationMs }) {
      const label = { answered: 'Answered', partial: 'Partly answered', needs_data: 'Data needed' }[outcome]
      end(outcome, label ?? outcome, `after ${(durationMs / 1000).toFixed(1)} s`)
      if (outcome === 'needs_data' || (text === '' && !replaced)) answer.replaceChildren(...markdown(summary))
    },
    agent_failed: ({ message }) => {
      end('failed', 'Failed', message)
      answer.append(make('p', { className: 'error', textContent: message }))
    },
    agent_cancelled: ({ by }) => end('cancelled', 'Stopped', by === 'user' ? 'by you' : `(${by})`),
  }

  async function showReport(url) {
    const response = await fetch(url)
    if (!response.ok) return
    const report = await response.json()
    replaced = true
    const numbers = new Map(report.figures.map((figure, index) => [figure.id, { figure, index: index + 1 }]))
    answer.replaceChildren(
      ...markdown(report.text, (id) => cite(runId, numbers.get(id), id)),
      ...(report.caveats.length === 0 ? [] : [list('Caveats', report.caveats)]),
    )
    evidence.replaceChildren(
      ...(report.figures.length === 0 ? [] : [figures(runId, report.figures)]),
      ...report.queries.map(queryTable),
    )
  }

  return {
    root,
    /** Returns a sentence worth announcing to a screen reader, or null. */
    apply({ type, data }) {
      handlers[type]?.(data)
      if (type === 'agent_completed') return `${state.textContent}. ${data.summary}`
      return type === 'agent_failed' ? `Failed. ${data.message}` : null
    },
  }
}

function requestCard({ items, question }, onChoice) {
  const card = make('section', { className: 'card' })
  if (question !== undefined)
    card.append(
      make('h4', { textContent: question.text }),
      make(
        'div',
        { className: 'row' },
        ...question.choices.map(({ label }) =>
          make('button', { type: 'button', textContent: label, onclick: () => onChoice(label) }),
        ),
      ),
    )
  if (items.length > 0) card.append(make('h4', { textContent: 'What is missing' }))
  for (const item of items)
    card.append(
      make(
        'div',
        { className: 'item' },
        make('p', {}, make('code', { textContent: item.field }), ` – ${item.why}`),
        make('p', {}, `Format: ${item.format}. For example `, make('code', { textContent: item.sample })),
        make('p', { textContent: `Unlocks: ${item.unlocks}` }),
        make(
          'details',
          {},
          make('summary', { textContent: 'Where to get it' }),
          make(
            'dl',
            {},
            ...item.howTo.flatMap(({ provider, steps }) => [
              make('dt', { textContent: provider }),
              make('dd', { textContent: steps }),
            ]),
          ),
        ),
      ),
    )
  return card
}

function chart(url, title) {
  // As <img> an SVG can run nothing and load nothing.
  const image = make('img', {
    src: url,
    alt: `Chart: ${title}. Its numbers stand in the tables.`,
    loading: 'lazy',
  })
  return make('figure', {}, image, make('figcaption', { textContent: title }))
}

function cite(runId, found, id) {
  if (found === undefined) return make('sup', { textContent: `[${id}?]` })
  const link = make('a', {
    href: `#${runId}-${id}`,
    textContent: String(found.index),
    title: found.figure.label,
  })
  return make('sup', {}, '[', link, ']')
}

function figures(runId, all) {
  const rows = all.map(({ id, label, value, unit, query, row, column }, index) =>
    make(
      'li',
      { id: `${runId}-${id}`, value: index + 1, tabIndex: -1 },
      `${label}: `,
      make('strong', { textContent: `${shown(value)} ${unit}`.trim() }),
      make('small', { textContent: ` ${query}, row ${row + 1}, ${column}` }),
    ),
  )
  return make(
    'details',
    { className: 'figures' },
    make('summary', { textContent: 'Figures and their cells' }),
    make('ol', {}, ...rows),
  )
}

const rowsShown = 50

function queryTable({ title, sql, verified, columns, rows, truncated }) {
  const cells = (tag, values) =>
    values.map((value) =>
      make(tag, { className: typeof value === 'number' ? 'number' : '', textContent: shown(value) }),
    )
  const left = rows.length - rowsShown
  return make(
    'details',
    {},
    make('summary', { textContent: `${title}${verified ? '' : ' (ad-hoc SQL, unverified)'}` }),
    make(
      'div',
      { className: 'scroll', tabIndex: 0 },
      make(
        'table',
        {},
        make('thead', {}, make('tr', {}, ...cells('th', columns))),
        make('tbody', {}, ...rows.slice(0, rowsShown).map((row) => make('tr', {}, ...cells('td', row)))),
      ),
    ),
    left > 0 || truncated
      ? make('p', { className: 'hint', textContent: `${Math.max(left, 0)} more rows in the report` })
      : null,
    make('pre', { tabIndex: 0, textContent: sql }),
  )
}

function list(title, texts) {
  return make(
    'section',
    {},
    make('h4', { textContent: title }),
    make('ul', {}, ...texts.map((textContent) => make('li', { textContent }))),
  )
}

function shown(value) {
  if (value === null) return '–'
  return typeof value === 'number' ? value.toLocaleString('en', { maximumFractionDigits: 6 }) : String(value)
}

/** The little Markdown that answers use: headings, lists, paragraphs, bold, code and figure citations. */
function markdown(text, citation = (id) => `[${id}]`) {
  const blocks = []
  let items = null
  for (const line of text.split('\n')) {
    const heading = /^#{1,6} +(.*)$/.exec(line)
    const item = /^ *(?:[-*]|\d+\.) +(.*)$/.exec(line)
    if (item === null) items = null
    if (heading !== null) blocks.push(make('h4', {}, ...inline(heading[1], citation)))
    else if (item !== null) {
      if (items === null) {
        items = make(/^ *\d/.test(line) ? 'ol' : 'ul')
        blocks.push(items)
      }
      items.append(make('li', {}, ...inline(item[1], citation)))
    } else if (line.trim() !== '') blocks.push(make('p', {}, ...inline(line, citation)))
  }
  return blocks
}

function inline(text, citation) {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`|\[fig:[^\]]+\])/).map((part) => {
    if (part.startsWith('**')) return make('strong', { textContent: part.slice(2, -2) })
    if (part.startsWith('`')) return make('code', { textContent: part.slice(1, -1) })
    if (part.startsWith('[fig:')) return citation(part.slice(5, -1))
    return part
  })
}
