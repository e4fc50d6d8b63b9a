/*
 * Order is that in which answers are evicted: what was used longest ago goes first, or what was used least often, and of those used equally often what was
 * used longest ago. Adding and using take the same time, however much there is.
 *
 * The other side is store/repository/order.go.
 */

/** The order in which answers are evicted. first is asked for only where there is one. */
export interface Order<N> {
  add(node: N): void
  use(node: N): void
  remove(node: N): void
  first(): N
}

/** The order of what was used longest ago. */
export class Recency<N> implements Order<N> {
  private readonly nodes = new Set<N>()

  add(node: N): void {
    this.nodes.add(node)
  }

  use(node: N): void {
    this.nodes.delete(node)
    this.nodes.add(node)
  }

  remove(node: N): void {
    this.nodes.delete(node)
  }

  first(): N {
    const [first] = this.nodes
    return first!
  }
}

/** The order of what was used least often, and of those used equally often of what was used longest ago. */
export class Frequency<N> implements Order<N> {
  private readonly uses = new Map<N, number>()
  /** Those that were used so often, in the order of their last use; none is empty. */
  private readonly byUses = new Map<number, Set<N>>()
  /** None was used less often. */
  private least = 0

  add(node: N): void {
    this.rank(node, 0)
    this.least = 0
  }

  use(node: N): void {
    const uses = this.uses.get(node)!
    this.remove(node)
    this.rank(node, uses + 1)
  }

  remove(node: N): void {
    const uses = this.uses.get(node)!
    const equal = this.byUses.get(uses)!
    equal.delete(node)
    if (equal.size === 0) this.byUses.delete(uses)
    this.uses.delete(node)
  }

  first(): N {
    if (!this.byUses.has(this.least)) this.least = [...this.byUses.keys()].reduce((a, b) => Math.min(a, b))
    const [first] = this.byUses.get(this.least)!
    return first!
  }

  private rank(node: N, uses: number): void {
    this.uses.set(node, uses)
    const equal = this.byUses.get(uses)
    if (equal === undefined) this.byUses.set(uses, new Set([node]))
    else equal.add(node)
  }
}
