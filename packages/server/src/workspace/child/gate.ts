/**
 * The gate (auth-and-environment.md §4): what a query may consist of, decided on DuckDB's own parse of it, as
 * `json_serialize_sql` gives it. Everything that is not known here is refused, so that a kind of node added by another
 * version of DuckDB is refused until somebody has looked at it.
 *
 * G1 One statement, a SELECT.
 * G2 Tables are those of the job, or a WITH name in whose scope they stand; never by catalog or schema.
 * G3 Table functions are range, generate_series and unnest.
 * G4 Functions that read settings, the catalog, the session or the server, or that write or wait, are refused.
 */

/** DuckDB's number of SELECT among the statement types. */
export const selectStatementType = 1

type Node = Readonly<Record<string, unknown>>

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textAt = (node: Node, key: string): string => (typeof node[key] === 'string' ? node[key] : '')

const tableFunctions = new Set(['range', 'generate_series', 'unnest'])

const queryNodes = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE'])

const harmlessRelations = new Set(['SUBQUERY', 'JOIN', 'EXPRESSION_LIST', 'EMPTY', 'EMPTY_FROM', 'PIVOT'])

const expressionClasses = new Set([
  'BETWEEN',
  'CASE',
  'CAST',
  'COLLATE',
  'COLUMN_REF',
  'COMPARISON',
  'CONJUNCTION',
  'CONSTANT',
  'FUNCTION',
  'LAMBDA',
  'LAMBDA_REF',
  'OPERATOR',
  'POSITIONAL_REFERENCE',
  'STAR',
  'SUBQUERY',
  'TYPE',
  'WINDOW',
])

/** What else carries a `type`: modifiers of a query and the parts of ORDER BY. */
const modifiers = new Set([
  'ORDER_MODIFIER',
  'LIMIT_MODIFIER',
  'LIMIT_PERCENT_MODIFIER',
  'DISTINCT_MODIFIER',
  'ORDER_DEFAULT',
  'ASCENDING',
  'DESCENDING',
])

const deniedFunctions = new Set([
  // Settings and variables.
  'current_setting',
  'getvariable',
  'set_config',
  // Write.
  'write_log',
  'nextval',
  'currval',
  'setseed',
  // Wait.
  'sleep_ms',
  'pg_sleep',
  // The session, the catalog, the server.
  'current_query',
  'current_query_id',
  'current_connection_id',
  'current_transaction_id',
  'txid_current',
  'current_catalog',
  'current_database',
  'current_schema',
  'current_schemas',
  'current_role',
  'current_user',
  'session_user',
  'user',
  'version',
  'in_search_path',
  'get_block_size',
  'col_description',
  'obj_description',
  'shobj_description',
  'format_pg_type',
  'format_type',
  'map_to_pg_oid',
  'getenv',
  'parse_duckdb_log_message',
  'stats',
  // Texts that are run or bound as SQL.
  'query',
  'query_table',
  'json_serialize_plan',
  'json_serialize_sql',
  'json_deserialize_sql',
  'json_execute_serialized_sql',
])

const deniedPattern =
  /^(pg_(?!typeof$|size_pretty$)|has_.*_privilege$|inet_|__internal|duckdb_|pragma_|read_|scan_)/

export const isDeniedFunction = (name: string): boolean =>
  deniedFunctions.has(name.toLowerCase()) || deniedPattern.test(name.toLowerCase())

/**
 * @param serialized the answer of json_serialize_sql
 * @param tables names the query may use, in lower case
 * @returns why not, and what is allowed instead; null where there is nothing against it
 */
export function refusalOf(serialized: unknown, tables: ReadonlySet<string>): string | null {
  if (!isNode(serialized) || serialized['error'] === true)
    return 'Only SELECT is allowed: nothing can be changed, created, copied, attached, installed or set.'
  const statements = serialized['statements']
  if (!Array.isArray(statements) || statements.length !== 1) return 'Exactly one SELECT is allowed.'
  const allowed = [...tables].toSorted().join(', ')
  const refusal = walk(statements[0], tables)
  return refusal === null ? null : `${refusal}${allowed === '' ? '' : ` Tables here: ${allowed}.`}`
}

/** Depth first; `scope` holds the tables and the WITH names that are visible. */
function walk(value: unknown, scope: ReadonlySet<string>): string | null {
  if (Array.isArray(value)) return firstRefusal(value, (item) => walk(item, scope))
  if (!isNode(value)) return null
  const kind = value['type']
  const expressionClass = value['class']
  if (typeof expressionClass === 'string') return walkExpression(value, expressionClass, scope)
  if (typeof kind !== 'string') return walkChildren(value, scope)
  if (queryNodes.has(kind)) return walkQuery(value, kind, scope)
  if (kind === 'BASE_TABLE') return walkTable(value, scope)
  if (kind === 'TABLE_FUNCTION') return walkTableFunction(value, scope)
  if (kind === 'SHOW_REF')
    return 'DESCRIBE, SHOW and SUMMARIZE are not allowed; the profile of the file has that.'
  if (kind === 'PIVOT' && typeof value['pivot_enum'] === 'string' && value['pivot_enum'] !== '')
    return 'PIVOT over a type is not allowed; name the values with IN (…).'
  // The target of a cast: a type computes nothing, but its parts are looked at all the same.
  const harmless = harmlessRelations.has(kind) || modifiers.has(kind) || kind.endsWith('_TYPE_INFO')
  if (harmless) return walkChildren(value, scope)
  return `${kind} is not allowed in a query here.`
}

function walkChildren(node: Node, scope: ReadonlySet<string>): string | null {
  return firstRefusal(Object.values(node), (child) => walk(child, scope))
}

function firstRefusal<Item>(items: readonly Item[], judge: (item: Item) => string | null): string | null {
  for (const item of items) {
    const refusal = judge(item)
    if (refusal !== null) return refusal
  }
  return null
}

/** G2: a WITH name is visible to the entries after it and to the body; to itself only in its recursive half. */
function walkQuery(node: Node, kind: string, outer: ReadonlySet<string>): string | null {
  const scope = new Set(outer)
  const { cte_map: entries, ...body } = node
  for (const { key, value } of readEntries(entries)) {
    const refusal = walk(value, scope)
    if (refusal !== null) return refusal
    scope.add(key.toLowerCase())
  }
  if (kind !== 'RECURSIVE_CTE_NODE') return walkChildren(body, scope)
  // The first half is bound before the name exists: there it would mean a system table of that name.
  const { left, ...rest } = body
  return walk(left, scope) ?? walkChildren(rest, scope.add(textAt(node, 'cte_name').toLowerCase()))
}

function readEntries(map: unknown): { key: string; value: unknown }[] {
  const entries = isNode(map) ? map['map'] : []
  if (!Array.isArray(entries)) return []
  return entries.filter(isNode).map((entry) => ({ key: textAt(entry, 'key'), value: entry['value'] }))
}

function walkTable(node: Node, scope: ReadonlySet<string>): string | null {
  const name = textAt(node, 'table_name')
  const qualified = textAt(node, 'catalog_name') !== '' || textAt(node, 'schema_name') !== ''
  if (qualified || !scope.has(name.toLowerCase()))
    return `There is no table "${name}" for this query: neither files, nor system tables, nor names with a schema can be read.`
  return node['at_clause'] === null || node['at_clause'] === undefined
    ? walk(node['sample'], scope)
    : 'AT (…) is not allowed after a table.'
}

function walkTableFunction(node: Node, scope: ReadonlySet<string>): string | null {
  const call = isNode(node['function']) ? node['function'] : {}
  const name = textAt(call, 'function_name').toLowerCase()
  if (!tableFunctions.has(name) || textAt(call, 'catalog') !== '')
    return `The table function ${name} is not allowed; range, generate_series and unnest are.`
  return walkChildren(node, scope)
}

function walkExpression(node: Node, expressionClass: string, scope: ReadonlySet<string>): string | null {
  if (!expressionClasses.has(expressionClass)) return `${expressionClass} is not allowed in a query here.`
  // A constant is data: a text in it may look like anything.
  if (expressionClass === 'CONSTANT') return null
  if (expressionClass === 'FUNCTION' || expressionClass === 'WINDOW') {
    const name = textAt(node, 'function_name')
    if (isDeniedFunction(name))
      return `The function ${name} is not allowed: a query may compute on the tables and nothing else.`
  }
  const { type: _type, class: _class, ...rest } = node
  return walkChildren(rest, scope)
}
