import { EventEmitter } from 'node:events';
import { Command, CommanderError, Option } from 'commander';
import type { Instance } from '../instance/instance.ts';
import { serveStdio } from '../instance/stdio.ts';
import { DevChatError } from '../protocol/errors.ts';
import { exportFormats, messagePages } from '../protocol/export.ts';
import { type Message, Role } from '../protocol/model.ts';
import type { Notifications } from '../protocol/rpc.ts';
import { type ExportOptions, exportAll } from './export.ts';
import { type Place, withExistingHistory, withHistory } from './history.ts';
import { addHubCommands } from './hub.ts';
import { idFrom } from './ids.ts';
import { importText, importTranscripts } from './import.ts';
import { assertWords, nameAfter, type SendOptions, sendInput, sendText } from './send.ts';
import type { ConversationResync } from './text.ts';
import * as format from './text.ts';
import { allHistories, relink } from './workspaces.ts';

interface GlobalOptions extends Place {
  json?: boolean;
}

/**
 * Runs the `devchat` command. Sets the exit code: 2 for wrong usage.
 * @throws {DevChatError} when the command failed; the message is for the user
 */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('devchat')
    .description('The chat history of a workspace, from the command line.')
    .version(process.env['DEVCHAT_VERSION'] ?? 'development')
    .addOption(new Option('--workspace <dir>', 'the workspace folder').default(undefined, 'the current folder'))
    .addOption(new Option('--db <file>', 'the database file itself').conflicts('workspace'))
    .option('--json', 'print one JSON document')
    .exitOverride();
  const options = () => program.opts<GlobalOptions>();

  program
    .command('status')
    .description('where the history is, what is in it, and which windows are connected')
    .action(() =>
      withExistingHistory(options(), async (instance) => {
        const status = await instance.handle('sync/status', {});
        const hub = await instance.handle('hub/status', {});
        print({ ...status, hub, ingest: await instance.handle('ingest/status', {}) }, format.status);
      }),
    );
  program
    .command('list')
    .description('the conversations, newest first')
    .option('--deleted', 'include deleted ones')
    .addOption(new Option('--all', 'those of all workspaces').conflicts('deleted'))
    .action(async ({ deleted, all }: { deleted?: boolean; all?: boolean }) => {
      if (all) return print(allHistories(), format.histories);
      await withExistingHistory(options(), async (instance) => {
        const { conversations } = await instance.handle('conversation/list', { includeDeleted: deleted ?? false });
        print(conversations, format.conversations);
      });
    });
  program
    .command('show <id>')
    .description('the messages of a conversation')
    .action(async (text: string) => {
      const id = idFrom(text);
      await withExistingHistory(options(), async (instance) => print(await messagesOf(instance, id), format.messages));
    });
  program
    .command('send <text>')
    .description(
      'add a message, with “-” what comes on standard input, live; without --conversation, to a new conversation',
    )
    .option('--conversation <id>', 'the conversation to add it to')
    .option('--title <title>', 'title of the new conversation', '')
    .addOption(new Option('--role <role>', 'who wrote it').choices(Role.options).default('user'))
    .option('--model <name>', 'the model that wrote it')
    .action(async (content: string, send: SendOptions) => {
      if (send.conversation !== undefined) idFrom(send.conversation);
      assertWords(content);
      const events = new EventEmitter<{ change: [Notifications['change']] }>();
      const body = async (instance: Instance) => {
        const message = await (content === '-' ? sendInput(instance, send, events) : sendText(instance, content, send));
        print(message, ({ seq, conversationId }) => `Saved as message ${seq} of conversation ${conversationId}.`);
        if (content === '-' && send.conversation === undefined) await nameAfter(instance, message);
        if (message.status === 'interrupted')
          throw new DevChatError('cut-off', 'The message was stopped in a window. The rest was not read.');
      };
      await withHistory(options(), body, (name, params) => {
        if (name === 'change') events.emit(name, params as Notifications['change']);
      });
    });
  program
    .command('search <query>')
    .description('the messages that contain all words of the query')
    .option('--limit <n>', 'how many at most', Number, 50)
    .action((query: string, { limit }: { limit: number }) =>
      withExistingHistory(options(), async (instance) => {
        const { hits } = await instance.handle('search', { query, limit });
        print(hits, format.hits);
      }),
    );
  program
    .command('export [id...]')
    .description('write conversations, by default all, as Markdown or JSON lines; one without --out to standard output')
    .addOption(new Option('--format <format>', 'what to write').choices(exportFormats).default('markdown'))
    .option('--out <path>', 'the directory to write to, or the file for one conversation')
    .action(async (texts: string[], exporting: ExportOptions) => {
      const ids = texts.map(idFrom);
      await withExistingHistory(options(), async (instance) => {
        const files = await exportAll(instance, ids, exporting);
        if (exporting.out !== undefined) print(files, format.exported);
      });
    });
  program
    .command('import [path...]')
    .description('take transcripts of coding agents into the history: these files and folders, or this workspace’s')
    .action((paths: string[]) => importTranscripts(options(), paths, (imported) => print(imported, importText)));
  program
    .command('resync [id]')
    .description(
      'check a conversation, or all, for missing messages and fetch them; exit code 1 when some stay missing',
    )
    .action(async (text?: string) => {
      const ids = text === undefined ? undefined : [idFrom(text)];
      await withExistingHistory(options(), async (instance) => {
        const results = await resync(instance, ids ?? (await conversationIds(instance)));
        print(ids ? results[0] : results, () => format.resyncs(results));
        if (results.some(({ state }) => state !== 'SYNCED')) process.exitCode = 1;
      });
    });
  program
    .command('relink <history>')
    .description('have the workspace folder use a history that is there: one of “list --all”, by id or former folder')
    .action((history: string) => print(relink(options(), history), format.relinked));
  program
    .command('verify')
    .description('check everything that must hold in the database; exit code 1 when something does not')
    .option('--repair', 'mend what can be mended without loss')
    .action(async ({ repair }: { repair?: boolean }) => {
      // What was mended to open it at all.
      const notices = new Set<string>();
      const collect = (name: keyof Notifications, params: unknown) => {
        if (name !== 'notice') return;
        const { text, isUnderway } = params as Notifications['notice'];
        if (!isUnderway) notices.add(text);
      };
      const verify = async (instance: Instance) => {
        const { problems, repaired } = await instance.handle('verify', { repair: repair ?? false });
        print({ problems, repaired: [...new Set([...notices, ...repaired])] }, format.verification);
        if (problems.length > 0) process.exitCode = 1;
      };
      await withExistingHistory(options(), verify, collect);
    });
  program
    .command('watch')
    .description('follow the changes, one JSON document per line, until interrupted')
    .action(() => watch(options()));
  program
    .command('serve')
    .description('serve one client with JSON-RPC 2.0')
    .requiredOption('--stdio', 'on standard input and output')
    .action(serveStdio);
  addHubCommands(program, print);

  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed what is wrong, or the help that was asked for.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  }

  function print<T>(value: T, toText: (value: T) => string): void {
    process.stdout.write(`${options().json ? JSON.stringify(value, null, 2) : toText(value)}\n`);
  }
}

async function conversationIds(instance: Instance): Promise<string[]> {
  const { conversations } = await instance.handle('conversation/list', {});
  return conversations.map(({ id }) => id);
}

async function resync(instance: Instance, ids: readonly string[]): Promise<ConversationResync[]> {
  const results: ConversationResync[] = [];
  for (const conversationId of ids) {
    results.push({ conversationId, ...(await instance.handle('sync/resync', { conversationId })) });
  }
  return results;
}

async function messagesOf(instance: Instance, conversationId: string): Promise<Message[]> {
  const all: Message[] = [];
  const pages = messagePages(conversationId, (range) => instance.handle('message/range', range));
  for await (const messages of pages) all.push(...messages);
  return all;
}

function watch(options: GlobalOptions): Promise<void> {
  const print = (name: keyof Notifications, params: unknown) => {
    if (name === 'change') {
      for (const change of (params as Notifications['change']).changes)
        process.stdout.write(`${JSON.stringify(change)}\n`);
    }
  };
  const interrupted = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
    // A reader that has gone away, such as `head`, ends the command too.
    process.stdout.once('error', resolve);
  });
  return withExistingHistory(options, () => interrupted, print);
}
