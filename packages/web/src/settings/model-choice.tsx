import { type ReactNode, useEffect, useId, useState } from 'react'
import { client } from '../live/connection.ts'
import { act, notify } from '../live/notices.ts'
import { preferences, setPreference } from '../live/preferences.ts'
import { useStore } from '../ui/use-store.ts'

const nameOf = (model: string): string => (model === 'offline' ? 'none: the offline rules' : model)

/** The models that the first agent can be asked with; the server's own choice is what nobody has to make. */
export function ModelChoice(): ReactNode {
  const chosen = useStore(preferences, (all) => all.model)
  const [models, setModels] = useState<readonly string[] | null>(null)
  const id = useId()
  useEffect(() => {
    act(async () => {
      const { items } = await client.agents()
      setModels(items[0]?.models ?? [])
    })
  }, [])
  if (models === null) return null
  const [first = 'offline'] = models
  if (models.length < 2 && chosen === null)
    return (
      <p className="text-sm text-soft">
        {first === 'offline'
          ? 'No language model is set up on this server; its own rules answer. Whoever runs it can add one (HOLDFAST_MODEL).'
          : `This server offers ${first} alone.`}
      </p>
    )
  const gone = chosen !== null && !models.includes(chosen)
  return (
    <div className="text-sm">
      <label htmlFor={id} className="sr-only">
        Model
      </label>
      <select
        id={id}
        value={chosen ?? ''}
        onChange={({ target }) => {
          setPreference('model', target.value === '' ? null : target.value)
          notify(
            target.value === '' ? 'The server chooses the model.' : `Asked next: ${nameOf(target.value)}.`,
          )
        }}
        className="min-h-9 max-w-full rounded-lg border border-edge bg-surface px-2"
      >
        <option value="">The server’s choice ({nameOf(first)})</option>
        {models.map((model) => (
          <option key={model} value={model}>
            {nameOf(model)}
          </option>
        ))}
        {gone && <option value={chosen}>{chosen} (no longer offered)</option>}
      </select>
      {gone && <p className="mt-2 text-bad">This server no longer offers {chosen}. Choose another one.</p>}
    </div>
  )
}
