/*
 * What an origin has answered to statements, as it is kept: documents of the table `sync answers`. Go programs have the same in
 * sync/keptanswer.go.
 */
import type { Database, Tables } from '../environment/environment.js'
import { table } from '../table/schema.js'
import { hashTexts, writeSum } from './checksum.js'
import type { Found } from './source.js'

/** An answer, and what it is one to. */
export interface KeptAnswer extends Found {
  /** Of what was asked. */
  hash: string
  /** The statement and its values. */
  asked: string
  /** Of the shapes it names: with other ones it is no answer any more. */
  versions: string
  etag: string
  /** When it was the origin's answer last, in milliseconds since 1970. */
  at: number
}

const answersTable = 'sync answers'

export const answersTables: Tables = { [answersTable]: table<KeptAnswer>({ key: 'hash', cache: 0, compress: 'none' }) }

/** Of answers so many are kept, and so many bytes as they were sent; the last one always. */
const answersKept = 64
const bytesKept = 16 << 20

/** Reads the answer to what was asked, undefined where there is none any more. */
export async function readAnswer(db: Database, asked: string, versions: string): Promise<KeptAnswer | undefined> {
  const found = (await db.table(answersTable).get(hashOf(asked))) as KeptAnswer | undefined
  return found?.asked === asked && found.versions === versions ? found : undefined
}

/** Stores an answer, and drops the oldest where there are too many. */
export async function keepAnswer(db: Database, asked: string, versions: string, { columns, rows, etag = '', bytes }: Found): Promise<KeptAnswer> {
  const answer: KeptAnswer = { hash: hashOf(asked), asked, versions, etag, columns, rows, bytes, at: Date.now() }
  await db.transaction(async tx => {
    const answers = tx.table(answersTable)
    await answers.put(answer)
    const others = ((await answers.find({}).select('hash', 'bytes', 'at')) as unknown as KeptAnswer[]).filter(({ hash }) => hash !== answer.hash).sort((a, b) => b.at - a.at)
    let sum = bytes
    const gone = others.filter((other, i) => (sum += other.bytes) > bytesKept || i + 1 >= answersKept)
    if (gone.length > 0) await answers.deleteMany(gone.map(({ hash }) => hash))
  })
  return answer
}

/** The name of an answer. Another statement may have the same. */
function hashOf(asked: string): string {
  return writeSum(hashTexts({ asked }, ['asked']))
}
