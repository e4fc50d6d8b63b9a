/**
 * A value as the vectors shared with Go write it: an object of one field, which
 * tells the type. JSON's own numbers cannot tell −0, NaN or 2⁶³.
 */
export type Tagged = Record<string, unknown>

export function untag(tagged: Tagged): unknown {
  const [[type, content]] = Object.entries(tagged) as [[string, unknown]]
  switch (type) {
    case 'undefined': return undefined
    case 'null': return null
    case 'bool': return content
    case 'number': return Number(content)
    case 'bigint': return BigInt(content as string)
    case 'string': return content
    case 'bytes': return Uint8Array.from(Buffer.from(content as string, 'hex'))
    case 'date': return new Date(Number(content))
    case 'array': return (content as Tagged[]).map(untag)
    case 'map': return Object.fromEntries(Object.entries(content as Record<string, Tagged>).map(([name, member]) => [name, untag(member)]))
    default: return { [type]: content }
  }
}
