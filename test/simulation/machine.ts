import { VirtualClock } from '../support/clock.ts';
import { Random } from '../support/random.ts';

/** A property that does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** What all parts of one run share: time, chance, and the record of what happened. */
export class Machine {
  readonly clock = new VirtualClock();
  readonly random: Random;
  /** No slow disk, no slow socket. */
  isCalm = false;
  readonly #lines: string[] | undefined;
  #hash = 0x811c9dc5;
  #violation: Violation | undefined;

  /** @param lines takes the record, if anybody wants to read it */
  constructor(seed: number, lines?: string[]) {
    this.random = new Random(seed, 'simulation');
    this.#lines = lines;
  }

  /** A number that differs when anything else happened, or at another time. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** Records what happens now. */
  note(...words: readonly (string | number)[]): void {
    const line = `${this.clock.now().toFixed(3)} ${words.join(' ')}`;
    for (let index = 0; index < line.length; index++) {
      this.#hash = Math.imul(this.#hash ^ line.charCodeAt(index), 0x01000193);
    }
    this.#lines?.push(line);
  }

  /** Ends the run, because a property does not hold; not by throwing here, as this may be called inside the product. */
  report(problem: string): void {
    if (this.#violation) return;
    this.note('VIOLATION', problem);
    this.#violation = new Violation(problem);
  }

  /** @throws {Violation} when a problem was reported */
  assertSound(): void {
    if (this.#violation) throw this.#violation;
  }

  /** Bytes that follow from the seed. */
  bytes(size: number): Buffer {
    const bytes = Buffer.alloc(size);
    for (let index = 0; index < size; index++) bytes[index] = this.random.whole(0, 255);
    return bytes;
  }

  /** Whether something that happens in so many of 100 cases happens now. */
  chance(percent: number): boolean {
    return this.random.next() * 100 < percent;
  }

  /** How long bytes are on their way, in ms. */
  transit(): number {
    if (!this.isCalm && this.chance(2)) return this.random.next() * 1500;
    return this.random.next() * 2;
  }

  /** How long the disk takes, in ms. */
  disk(): number {
    if (!this.isCalm && this.chance(2)) return this.random.next() * 800;
    return this.random.next() * 5;
  }
}
