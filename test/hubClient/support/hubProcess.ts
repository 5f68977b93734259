import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const program = join(import.meta.dirname, '../../../src/cli/main.ts');

/** Pause before another attempt to start, in ms. */
const RETRY = 200;

/** A hub in a process of its own, on a PostgreSQL of its own in a folder; both can be killed. */
export class HubProcess {
  readonly #home: string;
  #child: ChildProcess | undefined;

  constructor(home: string) {
    this.#home = home;
  }

  /**
   * Starts the hub, and PostgreSQL if it does not run, as a supervisor would: a killed PostgreSQL leaves processes behind,
   * and until they are gone, no other one starts. Resolves with where it listens.
   */
  async start(): Promise<string> {
    for (;;) {
      const said = await this.#startOnce();
      if (said !== '') return JSON.parse(said).url;
      await delay(RETRY);
    }
  }

  async #startOnce(): Promise<string> {
    const child = spawn(process.execPath, [program, '--json', 'hub', '--port', '0'], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (said.trimEnd().endsWith('}')) break;
    }
    return said;
  }

  /** A token, while the hub runs. */
  async token(): Promise<string> {
    const args = [program, '--json', 'hub', 'token', 'create', 'team', 'ann'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: this.#environment });
    return JSON.parse(stdout).token;
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Kills PostgreSQL, and the hub with it. */
  async killDatabase(): Promise<void> {
    const [pid] = readFileSync(join(this.#home, 'hub', 'postgres', 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGKILL');
    await this.kill();
  }

  /** Ends the hub, and PostgreSQL with it. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  get #environment(): NodeJS.ProcessEnv {
    return { ...process.env, DEVCHAT_HOME: this.#home, DATABASE_URL: '' };
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}
