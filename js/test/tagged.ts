/**
 * A value as the vectors shared with Go write it: an object of one field, which
 * tells the type. JSON's own numbers cannot tell −0, NaN or 2⁶³.
 */
export type Tagged = Record<string, unknown>

/** A class of its own, which the vectors know as "named". */
export class Named {
  constructor(readonly content: Tagged) {}
}

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
    case 'set': return new Set((content as Tagged[]).map(untag))
    case 'entries': return new Map((content as [Tagged, Tagged][]).map(([key, value]) => [untag(key), untag(value)]))
    case 'regexp': return new RegExp(...(content as [string, string]))
    case 'url': return new URL(content as string)
    case 'custom': return new Named(...(content as [Tagged]))
    case 'Float64Array': return Float64Array.from(content as number[])
    case 'Uint16Array': return Uint16Array.from(content as number[])
    case 'Uint8ClampedArray': return Uint8ClampedArray.from(content as number[])
    default: return { [type]: content }
  }
}
