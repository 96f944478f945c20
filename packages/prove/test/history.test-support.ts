import type { Facts, Line } from '../src/history/lines.ts'
import { createRecorder, type Recorder } from '../src/history/recorder.ts'

/** A history without a server: what the judge and the reports say of it is what a test is about. */
export function historyOf(
  about: Partial<Facts['proof']>,
  fill: (recorder: Recorder) => void = () => {},
): readonly Line[] {
  const recorder = createRecorder()
  recorder.fact('proof', {
    format: 1,
    id: 'abc',
    tool: 'holdfast prove',
    url: 'http://127.0.0.1:1/',
    against: null,
    profile: 'local',
    startedAt: '2026-06-15T12:00:00.000Z',
    expectCommit: null,
    expectImage: null,
    steps: [],
    plan: {},
    hooks: [],
    simulated: false,
    waivers: [],
    identitySource: 'server',
    previous: null,
    rollbackCommand: null,
    ...about,
  })
  fill(recorder)
  recorder.fact('ended', { seconds: 1 })
  return recorder.lines
}

/** One case of a check that did not go as it has to. */
export const fails =
  (check: string) =>
  (recorder: Recorder): void =>
    recorder.fact('case', { check, name: 'a case', expected: 'this', seen: 'that', ok: false, strict: true })
