/** Tells what requests are to bear. Called before the first request, and again after one was refused. */
export type TokenSource = () => string | undefined | Promise<string | undefined>

/** The token of an origin, fetched once however many ask. */
export class Token {
  private current: Promise<string | undefined> | undefined

  constructor(private readonly source: TokenSource | undefined) {}

  get(): Promise<string | undefined> {
    if (this.source === undefined) return Promise.resolve(undefined)
    this.current ??= this.fetch(this.source)
    return this.current
  }

  /** Another token than one that was refused; whoever comes late gets the one that has come since. False where there can be none. */
  async renewed(refused: string | undefined): Promise<boolean> {
    if (this.source === undefined) return false
    if ((await this.current?.catch(() => undefined)) === refused) this.current = undefined
    return (await this.get()) !== refused
  }

  private fetch(source: TokenSource): Promise<string | undefined> {
    const fetched = Promise.resolve().then(source)
    fetched.catch(() => {
      if (this.current === fetched) this.current = undefined
    })
    return fetched
  }
}
