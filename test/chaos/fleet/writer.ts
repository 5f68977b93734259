import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Event, NewEvent } from '../history/event.ts';
import type { Recorder } from '../history/recorder.ts';
import { undoLater } from './cleanup.ts';

/** A process that writes messages straight into the store, and whose report becomes history. */
export class Writer {
  readonly name: string;
  readonly child: ChildProcessByStdio<null, Readable, null>;
  /** What was begun and not ended, and when. */
  begun: { mono: number; event: NewEvent } | undefined;
  acknowledged = 0;
  readonly #ended: Promise<unknown>;
  readonly #recorder: Recorder;

  constructor(name: string, recorder: Recorder, program: string, programArguments: readonly string[]) {
    this.name = name;
    this.#recorder = recorder;
    this.child = spawn(process.execPath, [program, ...programArguments], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { child } = this;
    const forget = undoLater(() => child.kill('SIGKILL'));
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => this.#take(line));
    this.#ended = Promise.all([once(lines, 'close'), once(child, 'exit')]).then(forget);
  }

  /** Waits until it begins to open the database. */
  async begins(): Promise<void> {
    while (!this.begun) await this.#report();
  }

  /** Waits for so many more acknowledgements. */
  async acknowledges(count: number): Promise<void> {
    for (const goal = this.acknowledged + count; this.acknowledged < goal; ) await this.#report();
  }

  async #report(): Promise<void> {
    const hasEnded = this.#ended.then(() => assert.fail(`${this.name} ended by itself`));
    await Promise.race([once(this.child.stdout, 'data'), hasEnded]);
  }

  /** What is under way: it may happen or not. */
  pending(): Event[] {
    return this.begun ? [{ ...this.begun.event, mono: this.begun.mono, took: 0, result: 'info' }] : [];
  }

  /** Kills it; what was under way then may have happened or not. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#ended;
    if (this.begun) this.#recorder.complete(this.begun.mono, { ...this.begun.event, result: 'info' });
  }

  #take(line: string): void {
    // A kill may cut the last line.
    if (!line.endsWith('}')) return;
    // The times are the writer's own: when the line is read here says little.
    const { at, ...report } = JSON.parse(line) as NewEvent & { at: number };
    if (report.op) {
      this.begun = { mono: at, event: { ...report, proc: this.name } };
      return;
    }
    const { begun } = this;
    this.begun = undefined;
    if (!begun) return;
    this.acknowledged++;
    this.#recorder.complete(begun.mono, {
      ...begun.event,
      ...report,
      took: at - begun.mono,
      result: report.result ?? 'ok',
    });
  }
}
