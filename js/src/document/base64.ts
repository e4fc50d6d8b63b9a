/** How many bytes become text at once: only so many arguments are passed as there is room for. */
const chunk = 8192

/** Hosts do that themselves, from 2025 on. */
export function toBase64(bytes: Uint8Array & { toBase64?: () => string }): string {
  if (bytes.toBase64 !== undefined) return bytes.toBase64()
  let binary = ''
  for (let at = 0; at < bytes.length; at += chunk) binary += String.fromCharCode(...bytes.subarray(at, at + chunk))
  return btoa(binary)
}

export function fromBase64(text: string): Uint8Array {
  const host = Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array }
  if (host.fromBase64 !== undefined) return host.fromBase64(text)
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
