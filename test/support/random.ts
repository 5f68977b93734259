/** Random choices that follow from a seed alone. */
export class Random {
  #state: number;

  /** @param purpose keeps what one seed gives to different users apart */
  constructor(seed: number, purpose: string) {
    this.#state = seed;
    for (const character of purpose) this.#state = Math.imul(this.#state ^ (character.codePointAt(0) ?? 0), 0x9e3779b1);
  }

  /** A number from 0 to 1, without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** One of the items; there must be one. */
  pick<T>(items: readonly T[]): T {
    return items[this.whole(0, items.length - 1)] as T;
  }

  /** One of the items, each as often as its weight says; there must be one. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let rest = this.next() * items.reduce((sum, [weight]) => sum + weight, 0);
    const picked = items.find(([weight]) => {
      rest -= weight;
      return rest <= 0;
    });
    return (picked as readonly [number, T])[1];
  }

  /** The items in another order. */
  shuffle<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, rank: this.next() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  }
}
