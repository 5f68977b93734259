// Clients of a hub, all in this process; the parent says what they do.
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { HubSession } from '../../../src/hubClient/hubSession.ts';
import { webSocketTransport } from '../../../src/hubClient/webSocketTransport.ts';
import type { HubChange } from '../../../src/protocol/hub.ts';
import { systemClock } from '../../../src/sync/clock.ts';
import { newConversation, newMessage } from '../../hub/support/changes.ts';

/** What the parent asks for; each is answered by one message. */
export type Command =
  /** One client for each token. Answer: nothing. */
  | { type: 'connect'; url: string; tokens: readonly string[] }
  /** Each client pushes messages, one when the one before is acknowledged, until then. Answer: the waits, in ms. */
  | { type: 'push'; until: number }
  /** The first client pushes messages one by one. Answer: for each the times until the clients had pulled it, in ms. */
  | { type: 'follow'; messages: number }
  /** The first client pulls the last events up to a number, again and again. Answer: the times, in ms. */
  | { type: 'pull'; upTo: number; events: number; times: number };

/** Clients that connect at the same time. */
const AT_ONCE = 20;

const CONTENT = 'x'.repeat(200);

interface Client {
  session: HubSession;
  hints: EventEmitter;
  /** The newest number that it has pulled. */
  last: number;
}

const clients: Client[] = [];

async function open(url: string, token: string): Promise<Client> {
  const hints = new EventEmitter();
  const { session, welcome } = await HubSession.open(
    { transport: webSocketTransport(url, token), clock: systemClock, clientId: randomUUID() },
    { hinted: () => hints.emit('hint'), streamed: () => undefined, closed: () => undefined },
  );
  return { session, hints, last: welcome.latest_sequence };
}

async function connectAll(url: string, tokens: readonly string[]): Promise<void> {
  while (clients.length < tokens.length) {
    const next = tokens.slice(clients.length, clients.length + AT_ONCE);
    clients.push(...(await Promise.all(next.map((token) => open(url, token)))));
  }
}

async function push({ session }: Client, change: HubChange): Promise<void> {
  await session.ask({ type: 'push', changes: [change] }, 'push_result');
}

async function pull(client: Client): Promise<void> {
  const request = { type: 'get_changes_since', last_sequence: client.last, limit: 50 } as const;
  client.last = (await client.session.ask(request, 'changes')).latest_sequence;
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

async function pushUntil(client: Client, until: number): Promise<number[]> {
  const conversation = newConversation();
  await push(client, conversation);
  const waits: number[] = [];
  while (Date.now() < until) waits.push(await timed(() => push(client, newMessage(conversation.entity_id, CONTENT))));
  return waits;
}

async function follow(messages: number): Promise<number[][]> {
  const [writer] = clients;
  if (!writer) return [];
  const conversation = newConversation();
  const changes = [
    conversation,
    ...Array.from({ length: messages }, () => newMessage(conversation.entity_id, CONTENT)),
  ];
  const times: number[][] = [];
  for (const change of changes) {
    const pulled = clients.map((client) => timed(() => once(client.hints, 'hint').then(() => pull(client))));
    await push(writer, change);
    times.push(await Promise.all(pulled));
  }
  // The first one has filled caches.
  return times.slice(1);
}

async function pullAgain(upTo: number, events: number, count: number): Promise<number[]> {
  const request = { type: 'get_changes_since', last_sequence: upTo - events, limit: events } as const;
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    times.push(await timed(async () => clients[0]?.session.ask(request, 'changes')));
  }
  return times;
}

async function run(command: Command): Promise<unknown> {
  switch (command.type) {
    case 'connect':
      return connectAll(command.url, command.tokens);
    case 'push':
      return (await Promise.all(clients.map((client) => pushUntil(client, command.until)))).flat();
    case 'follow':
      return follow(command.messages);
    case 'pull':
      return pullAgain(command.upTo, command.events, command.times);
  }
}

process.on('message', async (command: Command) => {
  const answer = await run(command);
  process.send?.(answer ?? null);
});
process.once('disconnect', () => {
  for (const { session } of clients) session.close();
});
