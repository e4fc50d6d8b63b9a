// Numbers as people read them.

const whole = new Intl.NumberFormat('en')

/** 138398 → "138,398" */
export const count = (n: number): string => whole.format(n)

/** 1 city, 2 cities */
export const many = (n: number, one: string, more: string): string => `${count(n)} ${n === 1 ? one : more}`

/** Milliseconds: "0.04 ms", "3.1 ms", "140 ms", "2.4 s" */
export function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`
  return `${ms.toFixed(ms < 1 ? 2 : ms < 10 ? 1 : 0)} ms`
}

/** Bytes: "812 B", "14 kB", "8.6 MB" */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** How long ago, from milliseconds: "just now", "12 s ago", "3 min ago", "5 h ago", "2 days ago" */
export function age(ms: number): string {
  if (ms < 5000) return 'just now'
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s ago`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ago`
  if (ms < 172_800_000) return `${Math.floor(ms / 3_600_000)} h ago`
  return `${Math.floor(ms / 86_400_000)} days ago`
}

/** 59.91, 10.75 → "59.91° N, 10.75° E" */
export function position(lat: number, lon: number): string {
  return `${Math.abs(lat).toFixed(2)}° ${lat < 0 ? 'S' : 'N'}, ${Math.abs(lon).toFixed(2)}° ${lon < 0 ? 'W' : 'E'}`
}
