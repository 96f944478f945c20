import { type Kysely, sql } from 'kysely'

/** A table of the store as it is in the database: whatever migrations add is copied without being named here. */
export interface TableShape {
  readonly name: string
  readonly columns: readonly ColumnShape[]
  /** Of the primary key, in its order. */
  readonly key: readonly string[]
  /** A column that the database numbers by itself; null: none. */
  readonly numbered: string | null
}

export interface ColumnShape {
  readonly name: string
  /** As a cast has it: `timestamp(3) with time zone`. */
  readonly type: string
}

interface ShapeRow {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly type: string; readonly identity: boolean }[]
  readonly key: readonly string[] | null
  readonly refers_to: readonly string[] | null
}

/** Bookkeeping of the migrations, which every store does for itself. */
const notData = /^kysely_/

/** All tables, those that others refer to first. */
export async function tableShapes<DB>(db: Kysely<DB>): Promise<readonly TableShape[]> {
  const { rows } = await sql<ShapeRow>`
    select c.relname as name,
      (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'identity', a.attidentity <> '') order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
      (select json_agg(a.attname order by k.place)
        from pg_constraint p
          cross join lateral unnest(p.conkey) with ordinality as k(attnum, place)
          join pg_attribute a on a.attrelid = p.conrelid and a.attnum = k.attnum
        where p.conrelid = c.oid and p.contype = 'p') as key,
      (select json_agg(distinct r.relname)
        from pg_constraint f join pg_class r on r.oid = f.confrelid
        where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid) as refers_to
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname = current_schema()
    order by c.relname`.execute(db)
  const tables = rows.filter(({ name }) => !notData.test(name))
  return inOrder(tables).map(({ name, columns, key }) => {
    if (key === null) throw new Error(`The table ${name} has no primary key: its rows have no order`)
    return {
      name,
      columns: columns.map(({ name: column, type }) => ({ name: column, type })),
      key,
      numbered: columns.find(({ identity }) => identity)?.name ?? null,
    }
  })
}

function inOrder(tables: readonly ShapeRow[]): readonly ShapeRow[] {
  const placed: ShapeRow[] = []
  let rest = tables
  while (rest.length > 0) {
    const waiting = new Set(rest.map(({ name }) => name))
    const next = rest.filter(({ refers_to: others }) => !(others ?? []).some((other) => waiting.has(other)))
    if (next.length === 0)
      throw new Error(`Tables refer to each other in a circle: ${[...waiting].join(', ')}`)
    placed.push(...next)
    rest = rest.filter((table) => !next.includes(table))
  }
  return placed
}
