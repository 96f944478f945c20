import { position, systemIdMaker, threadStream } from '@holdfast/protocol'
import type { Cursor, CursorStore } from './cursors.ts'

/** A store of cursors, and what `apply` writes to under the same transactions. */
export interface CursorHarness<Transaction> {
  readonly cursors: CursorStore<Transaction>
  write(transaction: Transaction, value: string): void | Promise<void>
  written(): Promise<readonly string[]>
}

const makeId = systemIdMaker()
const cursor = (seq: number, epoch = makeId('epoch')): Cursor => ({ epoch, seq: position(seq) })
const stream = threadStream(makeId('thread'))
const other = threadStream(makeId('thread'))

function same(actual: unknown, wanted: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(wanted)]
  if (is !== should) throw new Error(`${is} where ${should} was expected`)
}

async function refused(task: Promise<unknown>): Promise<string> {
  const error = await task.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Error)) throw new Error('It was not refused')
  return error.name
}

type Case = <Transaction>(harness: CursorHarness<Transaction>) => Promise<void>

/** Plain functions, because one of the stores is only to be had in a page, where there is no test runner. */
export const cursorCases: Readonly<Record<string, Case>> = {
  async 'nothing is stored before the first commit, and each stream has its own'({ cursors }) {
    same(await cursors.load(stream), null)
    const to = cursor(3)
    await cursors.commit({ stream, from: null, to }, () => {})
    same(await cursors.load(stream), to)
    same(await cursors.load(other), null)
  },
  async '[K1] what is applied and the cursor are there together'({ cursors, write, written }) {
    const to = cursor(2)
    await cursors.commit({ stream, from: null, to }, async (transaction) => {
      await write(transaction, 'one')
      await write(transaction, 'two')
    })
    same([await cursors.load(stream), await written()], [to, ['one', 'two']])
  },
  async '[K1] the cursor stays where it is when apply throws'({ cursors }) {
    const from = cursor(2)
    await cursors.commit({ stream, from: null, to: from }, () => {})
    const failing = cursors.commit({ stream, from, to: cursor(3, from.epoch) }, () => {
      throw new RangeError('no')
    })
    same(await refused(failing), 'RangeError')
    same(await cursors.load(stream), from)
  },
  async '[K2] a move from where the cursor is not is refused, and nothing is applied'({
    cursors,
    write,
    written,
  }) {
    const from = cursor(2)
    await cursors.commit({ stream, from: null, to: from }, (transaction) => write(transaction, 'first'))
    for (const wrong of [null, cursor(2), cursor(1, from.epoch)]) {
      const move = { stream, from: wrong, to: cursor(9, from.epoch) }
      same(
        await refused(cursors.commit(move, (transaction) => write(transaction, 'second'))),
        'HoldfastCursorError',
      )
    }
    same([await cursors.load(stream), await written()], [from, ['first']])
  },
  async '[K2] of several at once one wins'({ cursors, write, written }) {
    const to = cursor(1)
    const moves = ['a', 'b', 'c'].map((value) =>
      cursors
        .commit({ stream, from: null, to }, (transaction) => write(transaction, value))
        .then(
          () => 'won',
          () => 'lost',
        ),
    )
    same((await Promise.all(moves)).sort(), ['lost', 'lost', 'won'])
    same((await written()).length, 1)
  },
}
