import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { InstanceClient } from '../../src/instance/client/instanceClient.ts';
import { fileAttachment } from '../../src/protocol/attachments.ts';
import { DevChatError } from '../../src/protocol/errors.ts';
import type { Mention } from '../../src/protocol/mentions.ts';
import type { PanelEvent } from '../../src/protocol/panel.ts';
import { ChatController } from '../../src/views/chatController.ts';
import type { ChatModels } from '../../src/views/chatModels.ts';
import { History } from '../../src/views/history.ts';
import { Presence } from '../../src/views/presence.ts';
import { useClients } from './clients.ts';

/** Of a window without any model. */
const noModels: ChatModels = {
  list: async () => ({ models: [], problems: [] }),
  run: () => assert.fail('nobody was to be asked'),
  stop: () => assert.fail('nobody was to be stopped'),
};

export type EventOf<T extends PanelEvent['type']> = Extract<PanelEvent, { type: T }>;

/** Makes windows without an editor around them, each with a client of its own. */
export function useChatWindows(clients = useClients()) {
  /** One window: a real instance, its history and its chat, with everything that the panel was told. */
  async function open(modelsOf: (client: InstanceClient) => ChatModels = () => noModels) {
    const { client, reached } = clients.make();
    const log: string[] = [];
    const history = new History(client, (_, text) => log.push(text));
    const presence = new Presence(client, (_, text) => log.push(text));
    const posted: PanelEvent[] = [];
    const arrivals = new EventEmitter();
    const asked: string[] = [];
    const user = { isHere: true };
    const editor = {
      confirmDeleteMessage: async () => asked.push('delete') > 1,
      openLink: async (url: string) => void asked.push(url),
      useCode: async (action: string, code: string) => void asked.push(action, code),
      copy: async (text: string) => void asked.push(text),
      runCommand: async (command: string, id: string | undefined) => void asked.push(command, String(id)),
      isFocused: () => user.isHere,
      sourceName: (source: string) => source,
      deletedElsewhere: (title: string) => `gone: ${title}`,
      noLongerThere: 'no longer there',
      isModelOffered: async () => false,
      pickModel: async (_: unknown, current: string | null) => (current === null ? 'fake/small' : undefined),
      readAttachment: async (mention: Mention) => {
        if (mention.kind !== 'file') throw new DevChatError('bad-request', `no ${mention.kind}`);
        return fileAttachment({ path: mention.path, language: '', text: `text of ${mention.path}` });
      },
      tooMuchMentioned: 'too much',
    };
    const remembered = { model: null as string | null };
    const lastModel = {
      get: () => remembered.model,
      set: async (model: string | null) => {
        remembered.model = model;
      },
    };
    const models = async () => modelsOf(client);
    const ports = { client, history, presence, editor, models, lastModel };
    const makeChat = () => new ChatController({ ...ports, log: (_, text) => log.push(text) });
    const chat = makeChat();
    chat.events.on('selected', (id) => presence.show(id));
    chat.attach(async (event) => {
      posted.push(event);
      arrivals.emit('event');
    });
    const loaded = once(history.events, 'reloaded');
    const start = async () => {
      client.start();
      await Promise.all([reached('ready'), loaded]);
    };
    /** The first event of a kind that fits, whether it was posted already or is still to come. */
    const told = async <T extends PanelEvent['type']>(type: T, fits: (event: EventOf<T>) => boolean = () => true) => {
      for (let next = 0; ; next++) {
        while (next >= posted.length) await once(arrivals, 'event');
        const event = posted[next];
        if (event?.type === type && fits(event as EventOf<T>)) return event as EventOf<T>;
      }
    };
    const view = async () => (await chat.handle('ready', { conversationId: null })).conversation;
    const create = async (title = 'Talk') => {
      const conversation = await client.request('conversation/create', { title });
      history.apply(conversation);
      return conversation;
    };
    return { client, history, presence, chat, makeChat, posted, asked, user, log, start, told, view, create };
  }

  async function started(...options: Parameters<typeof open>) {
    const window = await open(...options);
    await window.start();
    return window;
  }

  return { open, started };
}
