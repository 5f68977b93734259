import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import type pg from 'pg';
import { withConnection } from '../../../src/hub/connect.ts';
import type { EmbeddedPostgres } from '../../../src/hub/embedded/embedded.ts';
import { DEFAULT_LIMITS } from '../../../src/hub/limits.ts';
import { createToken } from '../../../src/hub/tokens.ts';
import { nextMessage } from '../processes.ts';
import type { Command } from './clients.ts';
import type { Figures } from './server.ts';

/** A hub that is measured, on the PostgreSQL of the bench. */
export interface MeasuredHub {
  url: string;
  ownerUrl: string;
  /** The owner's connection, to fill tables with. */
  owner: pg.Client;
  figures(): Promise<Figures>;
}

/** Runs a function with a hub in a process of its own. */
export function withHub<T>(postgres: EmbeddedPostgres, body: (hub: MeasuredHub) => Promise<T>): Promise<T> {
  return withConnection(postgres.ownerUrl, async (owner) => {
    const child = fork(join(import.meta.dirname, 'server.ts'), { execArgv: ['--expose-gc'] });
    try {
      const url = (await ask(child, { databaseUrl: postgres.hubUrl })) as string;
      const figures = () => ask(child, 'figures') as Promise<Figures>;
      return await body({ url, ownerUrl: postgres.ownerUrl, owner, figures });
    } finally {
      await end(child);
    }
  });
}

/** A new workspace. */
export async function newWorkspace({ owner }: MeasuredHub): Promise<{ id: string; token: string; name: string }> {
  const name = randomUUID();
  const token = await createToken(owner, name, 'ann');
  const { rows } = await owner.query('SELECT id FROM workspaces WHERE name = $1', [name]);
  return { id: rows[0].id, token, name };
}

/** As many tokens as clients of a new workspace need. */
export async function newCrowd(hub: MeasuredHub, clients: number): Promise<string[]> {
  const { name } = await newWorkspace(hub);
  const tokens: string[] = [];
  while (tokens.length < clients) {
    const token = await createToken(hub.owner, name, 'ann');
    tokens.push(...Array<string>(Math.min(DEFAULT_LIMITS.sessionsPerToken, clients - tokens.length)).fill(token));
  }
  return tokens;
}

/** Runs a function with clients, one for each token, in a process of their own; `request` has them do something. */
export async function withClients<T>(
  { url }: MeasuredHub,
  tokens: readonly string[],
  body: (request: (command: Command) => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const child = fork(join(import.meta.dirname, 'clients.ts'));
  try {
    await ask(child, { type: 'connect', url, tokens } satisfies Command);
    return await body((command) => ask(child, command));
  } finally {
    await end(child);
  }
}

function ask(child: ChildProcess, request: string | object): Promise<unknown> {
  const answer = nextMessage(child);
  child.send(request);
  return answer;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  if (child.connected) child.disconnect();
  await ended;
}
