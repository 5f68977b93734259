import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Window } from '../fleet/window.ts';

/** Wall clocks that can be set while the windows run that were started with them. */
export class WindowClock {
  readonly #file: string;

  constructor(directory: string, name = 'clock') {
    this.#file = join(directory, name);
    writeFileSync(this.#file, '0');
  }

  /** The variables that make a window use this clock. */
  get environment(): Record<string, string> {
    const preload = pathToFileURL(join(import.meta.dirname, 'clock.ts')).href;
    return { NODE_OPTIONS: `--import=${preload}`, CHAOS_CLOCK: this.#file };
  }

  /** Sets the clock off by so many ms, for the windows that are named. */
  shift(offset: number, windows: Iterable<Window>): void {
    writeFileSync(this.#file, `${offset}`);
    for (const { child } of windows) child.kill('SIGUSR2');
  }
}
