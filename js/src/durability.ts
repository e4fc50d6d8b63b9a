/**
 * When a commit counts as done. `strict`: when the platform says that it is on the
 * medium. `relaxed`: when the platform has it; a power cut may take the most recent ones.
 * `buffered`: at once. It is seen by what reads here afterwards, and written a moment later, with
 * what came meanwhile; a crash of the page takes it. See `flush`.
 */
export type CommitDurability = 'buffered' | 'relaxed' | 'strict'

/** By their numbers in frames. */
export const durabilities = ['relaxed', 'strict', 'buffered'] as const satisfies readonly CommitDurability[]
