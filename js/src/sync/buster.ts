/** What makes URLs other ones, so that no cache answers: until all is there, or the shape has another handle than it had. */
export class Buster {
  private busted: { text: string; handle: string } | undefined

  /** Undefined where a cache may answer. */
  get text(): string | undefined {
    return this.busted?.text
  }

  /** Has no cache answer, for one has answered with something old, maybe of a handle. */
  bust(handle: string): void {
    this.busted = { text: Math.floor(Math.random() * 2 ** 48).toString(36), handle: handle || (this.busted?.handle ?? '') }
  }

  /** Takes notice of an answer. */
  answered(handle: string, upToDate: boolean): void {
    if (upToDate || handle !== this.busted?.handle) this.busted = undefined
  }
}
