import { type ReactNode, useEffect, useId } from 'react'
import { request } from '../live/api.ts'
import { act, notify } from '../live/notices.ts'
import { preferences, setPreference, type Theme } from '../live/preferences.ts'
import { session } from '../live/session.ts'
import { Button } from '../ui/button.tsx'
import { Page, Section } from '../ui/section.tsx'
import { useStore } from '../ui/use-store.ts'
import { ModelChoice } from './model-choice.tsx'
import { Tokens } from './tokens.tsx'

const themes: readonly (readonly [Theme, string])[] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
]

export function SettingsScreen(): ReactNode {
  const who = useStore(session)
  useEffect(() => {
    document.title = 'Settings – Holdfast'
  }, [])
  return (
    <Page title="Settings">
      <Section title="Appearance">
        <ThemeChoice />
      </Section>
      <Section
        title="Model"
        hint="Which language model answers your next questions. Figures come from the same queries whichever it is."
      >
        <ModelChoice />
      </Section>
      <Section
        title="Time zone"
        hint="How times in tables and figures are shown. Exports of providers are in UTC, and so is what the agent computes."
      >
        <TimeZone />
      </Section>
      <Section
        title="Tokens"
        hint="For programs that ask in your name. A token is shown once, when it is made, and never changes your account."
      >
        {who?.scopes.includes('account') === true && who.kind !== 'simulated' ? (
          <Tokens />
        ) : (
          <p className="text-sm text-soft">Whoever is signed in here cannot make tokens.</p>
        )}
      </Section>
      <Section title="Your data" hint="Everything that is kept of you, as one file: a JSON object a line.">
        <a
          href="/v1/account/export"
          download
          className="inline-flex min-h-9 items-center rounded-lg border border-line bg-surface px-3 text-sm hover:border-edge"
        >
          Export my data
        </a>
      </Section>
      <Section title="Signing out">
        <div className="flex flex-wrap gap-2">
          <Button
            onClick={() =>
              act(async () => {
                await request('/v1/session', { method: 'DELETE' })
                location.assign('/login')
              })
            }
          >
            Sign out here
          </Button>
          <Button
            look="danger"
            onClick={() =>
              act(async () => {
                await request('/v1/sessions', { method: 'DELETE' })
                location.assign('/login')
              })
            }
          >
            Sign out everywhere
          </Button>
        </div>
        <p className="mt-2 text-sm text-soft">
          Everywhere: in every browser. Tokens stay; they are revoked one by one.
        </p>
      </Section>
    </Page>
  )
}

function ThemeChoice(): ReactNode {
  const theme = useStore(preferences, (all) => all.theme)
  return (
    <fieldset className="flex flex-wrap gap-x-5 gap-y-2 text-sm">
      <legend className="sr-only">Theme</legend>
      {themes.map(([value, label]) => (
        <label key={value} className="flex min-h-8 items-center gap-2">
          <input
            type="radio"
            name="theme"
            checked={theme === value}
            onChange={() => setPreference('theme', value)}
            className="size-4 accent-(--accent)"
          />
          {label}
        </label>
      ))}
    </fieldset>
  )
}

function TimeZone(): ReactNode {
  const timeZone = useStore(preferences, (all) => all.timeZone)
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone
  const id = useId()
  const names = [...new Set(['UTC', own, timeZone, ...Intl.supportedValuesOf('timeZone')])]
  return (
    <div className="flex flex-wrap items-center gap-2 text-sm">
      <label htmlFor={id} className="sr-only">
        Time zone
      </label>
      <select
        id={id}
        value={timeZone}
        onChange={({ target }) => {
          setPreference('timeZone', target.value)
          notify(`Times are shown in ${target.value}.`)
        }}
        className="min-h-9 max-w-full rounded-lg border border-edge bg-surface px-2"
      >
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </div>
  )
}
