/*
 * What the origin is asked in the place of a statement over a view: `?` are `$1` …, and a model in FROM is the origin's table
 * under its name, or what of it the model has. Go programs have the same in sync/statement.go.
 */
import { quoted, type ReadModel, select, type Statement } from './model.js'

/** Texts, names in quotes, comments, parameters, names, blanks, and signs. */
const words = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*.*?\*\/|[?$]\d*|[\p{L}_][\p{L}\p{N}_$]*|\s+|./gsu

/** What only keeps others apart, or ends the statement. */
const blank = /^(?:\s|;|--|\/\*)/

/** A word behind a table in FROM that is another name for it, or announces one. */
const alias = /^(?!(?:on|using|where|group|having|order|limit|offset|union|intersect|except|join|left|right|full|inner|cross|natural|window|indexed|not)$)["\p{L}_]/iu

/** The words that end a list of tables, or begin what has none yet. */
const behindFrom = /^(?:select|where|group|having|order|limit|window|union|intersect|except)$/i

/** Where in a SELECT it is: in the list of tables, and where the next one stands. */
interface Place {
  tables: boolean
  table: boolean
}

/** A statement as the origin is asked it. */
export function translated(text: string, values: readonly unknown[], models: Readonly<Record<string, ReadModel>>): Statement {
  const params = [...values]
  const terms = new Map<string, string>() // the values of which stand behind those of the statement
  const open: Place[] = [{ tables: false, table: false }] // outside, and in each parenthesis that is open
  let count = 0
  const parameter = (digits: string) => {
    const n = digits === '' ? count + 1 : Number(digits)
    count = Math.max(count, n)
    return `$${n}`
  }
  const table = (name: string, next: string) => {
    if (!terms.has(name)) terms.set(name, term(models[name]!, params))
    return terms.get(name)! + (alias.test(next) ? '' : ` as ${quoted(name)}`)
  }
  const word = (word: string, before: string, next: string) => {
    const at = open.at(-1)!
    const upper = word.toUpperCase()
    if (word[0] === '?') return parameter(word.slice(1))
    if (word === '(') {
      open.push({ ...at })
      at.table = false
    } else if (word === ')' && open.length > 1) open.pop()
    else if (word === ',') at.table = at.tables
    else if (upper === 'FROM' && before !== 'DISTINCT') at.tables = at.table = true
    else if (upper === 'JOIN') at.table = true
    else if (behindFrom.test(word)) at.tables = at.table = false
    else if (at.table) {
      at.table = false
      const name = named(word, models)
      if (name !== undefined && next !== '.' && next !== '(') return table(name, next)
    }
    return word
  }
  const all = text.match(words) ?? []
  let before = ''
  const made = all.map((one, i) => {
    if (blank.test(one)) return ' '
    const next = all.slice(i + 1, i + 50).find(other => !blank.test(other)) ?? ''
    const put = word(one, before, next)
    before = one.toUpperCase()
    return put
  })
  return { sql: made.join('').trim(), params }
}

/** A model's table, or what of it the model has; its values go to params. */
function term(model: ReadModel, params: unknown[]): string {
  const { where = '', params: texts = [] } = model.pulled ?? {}
  if (model.columns === undefined && where === '') return model.table
  const before = params.length
  params.push(...texts)
  return `(${select(model, where.replace(words, word => (/^\$\d/.test(word) ? `$${before + Number(word.slice(1))}` : word)), []).sql})`
}

/** The model that a name in a statement stands for. */
function named(word: string, models: Readonly<Record<string, ReadModel>>): string | undefined {
  const name = word[0] === '"' ? word.slice(1, -1).replaceAll('""', '"') : word
  return Object.hasOwn(models, name) ? name : Object.keys(models).find(other => other.toUpperCase() === name.toUpperCase())
}
