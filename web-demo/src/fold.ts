// Names as they are searched: without case and accents, so that "orebro" finds
// Örebro. Kept beside each name in the store, where an index can reach it.
//
// The origin folds names in the same way, in server/fold.go.

/** Letters that Unicode does not take apart into a base and an accent. */
const whole: Record<string, string> = {
  ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ß: 'ss', æ: 'ae', œ: 'oe', ı: 'i', ħ: 'h', ŋ: 'n', ə: 'e',
  '’': "'", '‘': "'", 'ʻ': "'", 'ʼ': "'", '`': "'",
}

/** Folds a name: "Łódź" → "lodz", "Straße" → "strasse". */
export function fold(name: string): string {
  const lower = name.toLowerCase()
  if (/^[\x20-\x5f\x61-\x7e]*$/.test(lower)) return lower
  return lower
    .normalize('NFD')
    .replace(/\p{Mark}/gu, '')
    .replace(/[^\x00-\x7f]|`/g, (letter) => whole[letter] ?? letter)
}
