import { closeCodes, Operations } from '@holdfast/protocol'
import { type ReactNode, useEffect, useState } from 'react'
import { requestJson, sentenceOf } from '../live/api.ts'
import { preferences } from '../live/preferences.ts'
import { formatBytes, formatDuration, formatTime } from '../model/format.ts'
import { Page, Section } from '../ui/section.tsx'
import { useStore } from '../ui/use-store.ts'

/** Milliseconds between two looks. */
const everyMs = 3_000

/** What the server is at, for whoever runs it. */
export function OperationsScreen(): ReactNode {
  const [now, setNow] = useState<Operations | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    document.title = 'Operations – Holdfast'
    const gone = new AbortController()
    const look = async (): Promise<void> => {
      try {
        setNow(Operations.parse(await requestJson('/v1/operations', { signal: gone.signal })))
        setProblem(null)
      } catch (error) {
        if (!gone.signal.aborted) setProblem(sentenceOf(error))
      }
    }
    void look()
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void look()
    }, everyMs)
    return () => {
      clearInterval(timer)
      gone.abort()
    }
  }, [])
  return (
    <Page title="Operations">
      {problem !== null && (
        <p role="alert" className="rounded-lg border border-bad bg-bad-soft p-3 text-sm">
          {problem}
        </p>
      )}
      {now !== null && <Figures now={now} />}
    </Page>
  )
}

function Figures({ now }: { readonly now: Operations }): ReactNode {
  const timeZone = useStore(preferences, (all) => all.timeZone)
  const { node, nodes, runs, users, quotas } = now
  const { completed, failed, cancelled } = runs.lastHour
  return (
    <>
      <Section title="Runs">
        <Tiles
          tiles={[
            ['Running', runs.running],
            ['Waiting', runs.queued],
            [
              'Longest wait',
              runs.oldestQueuedSeconds === null ? '–' : formatDuration(runs.oldestQueuedSeconds * 1_000),
            ],
            ['Completed in the last hour', completed],
            ['Failed', failed],
            ['Stopped', cancelled],
            ['Hand-overs in the last day', runs.handOversLastDay],
          ]}
        />
      </Section>
      <Section
        title="This node"
        hint={`${node.id}, version ${node.version}, since ${formatTime(node.startedAt, timeZone)}`}
      >
        <Tiles
          tiles={[
            ['Connections', node.connections],
            ['Memory', formatBytes(node.memoryBytes)],
            ['Users known', users.known],
            ['Signed in', users.signedIn],
          ]}
        />
      </Section>
      <Section title="Nodes that carry runs now">
        <Table
          empty="No run is under way."
          head={['Node', 'Runs']}
          rows={nodes.map(({ id, running }) => [id, running])}
        />
      </Section>
      <Section
        title="Connections that ended in the last hour"
        hint="1011 is a bug; look into the log of that time."
      >
        <Table
          empty="None ended."
          head={['Code', 'Meaning', 'Count']}
          rows={node.closes.map(({ code, count }) => [
            code,
            (code in closeCodes ? closeCodes[code as keyof typeof closeCodes].name : 'unknown').replaceAll(
              '_',
              ' ',
            ),
            count,
          ])}
        />
      </Section>
      <Section title="Quotas in use">
        <Table
          empty="Nothing is counted: in local mode nobody is limited."
          head={['Whose', 'What', 'Used', 'Of']}
          rows={quotas.map(({ subject, what, amount, most }) => [
            subject,
            what.replaceAll('_', ' '),
            amount,
            most ?? 'no limit',
          ])}
        />
      </Section>
    </>
  )
}

function Tiles({
  tiles,
}: {
  readonly tiles: readonly (readonly [label: string, value: number | string])[]
}): ReactNode {
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-4 sm:grid-cols-4">
      {tiles.map(([label, value]) => (
        <div key={label} className="flex flex-col-reverse">
          <dt className="text-xs text-soft">{label}</dt>
          <dd className="text-xl font-semibold tabular-nums">
            {typeof value === 'number' ? value.toLocaleString('en') : value}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Table({
  head,
  rows,
  empty,
}: {
  readonly head: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
  readonly empty: string
}): ReactNode {
  if (rows.length === 0) return <p className="text-sm text-soft">{empty}</p>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
    <section aria-label={head.join(', ')} tabIndex={0} className="overflow-x-auto">
      <table className="w-full text-sm">
        <thead>
          <tr>
            {head.map((name, at) => (
              <th
                key={name}
                scope="col"
                className={`border-b border-line py-1.5 pr-4 font-medium ${typeof rows[0]?.[at] === 'number' && at > 0 ? 'text-right' : 'text-left'}`}
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.slice(0, 2).join(' ')}>
              {row.map((cell, at) => (
                <td
                  key={head[at]}
                  className={`border-b border-line py-1.5 pr-4 ${typeof cell === 'number' && at > 0 ? 'text-right tabular-nums' : ''} ${at === 0 ? 'font-mono text-xs' : ''}`}
                >
                  {typeof cell === 'number' && at > 0 ? cell.toLocaleString('en') : cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
