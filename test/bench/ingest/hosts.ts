import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { BenchFolder } from '../folder.ts';
import { spawnProbed } from '../processes.ts';
import type { HostCommand, HostReport } from './host.ts';

const program = join(import.meta.dirname, 'host.ts');

/** Starts an instance that can ingest what the agent with the directory `home` has written; resolves when it leads. */
export async function startHost({ database, env }: BenchFolder, home: string): Promise<ChildProcess> {
  const child = spawnProbed([program, database], { ...env, CLAUDE_CONFIG_DIR: home });
  child.stdout?.resume();
  child.stderr?.pipe(process.stderr);
  await reported(child, 'ready');
  return child;
}

/** Has a host ingest; resolves when it has read what is there. */
export function settled(host: ChildProcess): Promise<Extract<HostReport, { type: 'settled' }>> {
  const answer = reported(host, 'settled');
  tell(host, 'ingest');
  return answer;
}

/** Ends a host. */
export async function close(host: ChildProcess): Promise<void> {
  const ended = once(host, 'exit');
  tell(host, 'close');
  await ended;
}

/** When a host's first commit after a moment was made, both in ns; to be called before any can be reported. */
export function commitAfter(host: ChildProcess, moment: number): Promise<number> {
  return new Promise((resolve) => {
    const onMessage = (report: HostReport) => {
      if (report.type !== 'commit' || report.at < moment) return;
      host.off('message', onMessage);
      resolve(report.at);
    };
    host.on('message', onMessage);
  });
}

/**
 * The next report of a kind.
 * @throws when the host ends without one
 */
function reported<T extends HostReport['type']>(
  host: ChildProcess,
  type: T,
): Promise<Extract<HostReport, { type: T }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: HostReport) => {
      if (message.type !== type) return;
      host.off('message', onMessage).off('exit', onExit);
      resolve(message as Extract<HostReport, { type: T }>);
    };
    const onExit = (code: number | null) => reject(new Error(`The host has ended (${code}).`));
    host.on('message', onMessage).once('exit', onExit);
  });
}

function tell(host: ChildProcess, command: HostCommand): void {
  host.send(command);
}
