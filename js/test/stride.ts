const env: Record<string, string | undefined> = globalThis.process?.env ?? {} // a page has none

/**
 * How many cases tests that go through very many go on by: where SHORT is set, as by `make check`, most of them are
 * passed over. In Go it is Stride of store/storetest.
 */
export const stride = env['SHORT'] === undefined ? 1 : 9
