import { createWriteStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Instance } from '../instance/instance.ts';
import { DevChatError } from '../protocol/errors.ts';
import { type ExportFormat, exportConversation, exportFileName, messagePages } from '../protocol/export.ts';
import type { Conversation } from '../protocol/model.ts';

/** What `devchat export` may be told beside the conversations. */
export interface ExportOptions {
  format: ExportFormat;
  out?: string;
}

/** A conversation and the file that holds it. */
export interface Exported {
  conversationId: string;
  file: string;
}

/**
 * Writes conversations to files, or one of them to standard output.
 * @param ids none for all that are not in the bin
 * @returns the files, in the order of the conversations
 * @throws {DevChatError} `not-found`, `bad-request`: several conversations without a directory
 */
export async function exportAll(
  instance: Instance,
  ids: readonly string[],
  { format, out }: ExportOptions,
): Promise<Exported[]> {
  const conversations = await find(instance, ids);
  const text = (conversation: Conversation) =>
    exportConversation(
      conversation,
      format,
      messagePages(conversation.id, (range) => instance.handle('message/range', range)),
    );
  const [only] = conversations;
  if (out === undefined) {
    if (!only || conversations.length > 1) {
      throw new DevChatError('bad-request', 'Name one conversation, or with --out a directory for several.');
    }
    await pipeline(text(only), process.stdout, { end: false });
    return [];
  }
  const isFile = ids.length === 1 && !statSync(out, { throwIfNoEntry: false })?.isDirectory() && !/[\\/]$/.test(out);
  if (!isFile && !existsSync(out)) mkdirSync(out, { recursive: true });
  const exported: Exported[] = [];
  for (const conversation of conversations) {
    const file = resolve(isFile ? out : join(out, exportFileName(conversation, format)));
    await pipeline(text(conversation), createWriteStream(file));
    exported.push({ conversationId: conversation.id, file });
  }
  return exported;
}

async function find(instance: Instance, ids: readonly string[]): Promise<Conversation[]> {
  const { conversations } = await instance.handle('conversation/list', { includeDeleted: ids.length > 0 });
  if (ids.length === 0) return conversations;
  return ids.map((id) => {
    const conversation = conversations.find((one) => one.id === id);
    if (conversation) return conversation;
    throw new DevChatError('not-found', `There is no conversation ${id} in this workspace’s history.`);
  });
}
