import type { Cancel, Clock } from '../../src/sync/clock.ts';
import type { Machine } from './machine.ts';

interface Task {
  action(): void;
  isTimer: boolean;
  isCancelled: boolean;
}

/** A process of the simulated machine. What is due while it is frozen waits; what is due after its end is lost. */
export class Process {
  readonly machine: Machine;
  readonly name: string;
  readonly clock: Clock;
  #isFrozen = false;
  #hasEnded = false;
  #cancelResume: Cancel | undefined;
  readonly #held: Task[] = [];
  readonly #timers = new Set<Task>();
  /** How many more steps beyond the process it lives to take. */
  #stepsLeft = Number.POSITIVE_INFINITY;
  readonly #check: () => void;
  readonly #atEnd: (() => void)[] = [];

  /** @param check looks after each task whether all is well, which is before the next one */
  constructor(machine: Machine, name: string, check: () => void) {
    this.#check = check;
    this.machine = machine;
    this.name = name;
    // The monotonic clock of each process begins somewhere else.
    const offset = machine.random.whole(0, 1_000_000);
    this.clock = {
      now: () => machine.clock.now() + offset,
      wallTime: () => machine.clock.wallTime(),
      after: (delay, action) => this.#startTimer(delay, action),
      nextTurn: (action) => this.later(0, action),
    };
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get isRunning(): boolean {
    return !this.#isFrozen && !this.#hasEnded;
  }

  /** Timers that have neither fired nor been cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Has something done in this process after so many ms. */
  later(delay: number, action: () => void): void {
    this.#schedule(delay, { action, isTimer: false, isCancelled: false });
  }

  /** Waits for so many ms in this process; for ever if it ends before. */
  wait(delay: number): Promise<void> {
    return new Promise((resolve) => this.later(delay, resolve));
  }

  /** To be called at each step that reaches beyond the process: false when it has not lived to take it. */
  step(): boolean {
    if (!this.#hasEnded && --this.#stepsLeft <= 0) this.end();
    return !this.#hasEnded;
  }

  /** Lets the process end before it has taken so many steps more, in the middle of whatever it does. */
  endWithin(steps: number): void {
    this.#stepsLeft = steps;
  }

  /** @param ms after which it goes on by itself */
  freeze(ms = Number.POSITIVE_INFINITY): void {
    if (this.#isFrozen) return;
    this.machine.note(this.name, 'freezes');
    this.#isFrozen = true;
    this.#cancelResume = this.machine.clock.after(ms, () => this.resume());
  }

  resume(): void {
    if (!this.#isFrozen) return;
    this.#cancelResume?.();
    this.machine.note(this.name, 'goes on');
    this.#isFrozen = false;
    // Whether a process that wakes serves its timers or its sockets first depends on where it was stopped.
    const areTimersLate = this.machine.chance(50);
    for (const task of this.#held.splice(0)) this.#schedule(task.isTimer === areTimersLate ? 5 : 0, task);
  }

  /** Ends the process without a word, as a kill does. */
  end(): void {
    if (this.#hasEnded) return;
    this.machine.note(this.name, 'ends');
    this.#hasEnded = true;
    for (const action of this.#atEnd) action();
  }

  /** Has the machine do something when the process ends, as it closes its sockets. */
  atEnd(action: () => void): void {
    this.#atEnd.push(action);
  }

  #startTimer(delay: number, action: () => void): Cancel {
    const task = { action, isTimer: true, isCancelled: false };
    this.#timers.add(task);
    this.#schedule(delay, task);
    return () => {
      task.isCancelled = true;
      this.#timers.delete(task);
    };
  }

  #schedule(delay: number, task: Task): void {
    this.machine.clock.after(delay, () => this.#run(task));
  }

  #run(task: Task): void {
    if (!this.#hasEnded) this.#check();
    this.machine.assertSound();
    if (this.#hasEnded || task.isCancelled) return;
    if (this.#isFrozen) {
      this.#held.push(task);
      return;
    }
    this.#timers.delete(task);
    task.action();
  }
}
