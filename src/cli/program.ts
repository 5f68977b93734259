import { Command, CommanderError, Option } from 'commander';
import { Instance } from '../instance/instance.ts';
import { logToStderr, serveStdio } from '../instance/stdio.ts';
import { MAX_PIECE_LENGTH, type Message, Role } from '../protocol/model.ts';
import { MAX_RANGE, type Notifications, type Params } from '../protocol/rpc.ts';
import * as format from './text.ts';

interface GlobalOptions {
  workspace?: string;
  db?: string;
  json?: boolean;
}

interface SendOptions {
  conversation?: string;
  title: string;
  role: Role;
  model?: string;
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
      withInstance(options(), async (instance) => print(await instance.handle('sync/status', {}), format.status)),
    );
  program
    .command('list')
    .description('the conversations, newest first')
    .option('--deleted', 'include deleted ones')
    .action(({ deleted }: { deleted?: boolean }) =>
      withInstance(options(), async (instance) => {
        const { conversations } = await instance.handle('conversation/list', { includeDeleted: deleted ?? false });
        print(conversations, format.conversations);
      }),
    );
  program
    .command('show <id>')
    .description('the messages of a conversation')
    .action((id: string) =>
      withInstance(options(), async (instance) => print(await messagesOf(instance, id), format.messages)),
    );
  program
    .command('send <text>')
    .description(
      'add a message, with “-” what comes on standard input, live; without --conversation, to a new conversation',
    )
    .option('--conversation <id>', 'the conversation to add it to')
    .option('--title <title>', 'title of the new conversation', '')
    .addOption(new Option('--role <role>', 'who wrote it').choices(Role.options).default('user'))
    .option('--model <name>', 'the model that wrote it')
    .action((content: string, { conversation, title, role, model }: SendOptions) =>
      withInstance(options(), async (instance) => {
        const conversationId = conversation ?? (await instance.handle('conversation/create', { title })).id;
        const message =
          content === '-'
            ? await streamInput(instance, { conversationId, role, model })
            : await instance.handle('message/add', { conversationId, role, content, model });
        print(message, ({ seq }) => `Saved as message ${seq} of conversation ${conversationId}.`);
      }),
    );
  program
    .command('search <query>')
    .description('the messages that contain all words of the query')
    .option('--limit <n>', 'how many at most', Number, 50)
    .action((query: string, { limit }: { limit: number }) =>
      withInstance(options(), async (instance) => {
        const { hits } = await instance.handle('search', { query, limit });
        print(hits, format.hits);
      }),
    );
  program
    .command('verify')
    .description('check everything that must hold in the database; exit code 1 when something does not')
    .option('--repair', 'mend what can be mended without loss')
    .action(({ repair }: { repair?: boolean }) =>
      withInstance(options(), async (instance) => {
        const result = await instance.handle('verify', { repair: repair ?? false });
        print(result, format.verification);
        if (result.problems.length > 0) process.exitCode = 1;
      }),
    );
  program
    .command('watch')
    .description('follow the changes, one JSON document per line, until interrupted')
    .action(() => watch(options()));
  program
    .command('serve')
    .description('serve one client with JSON-RPC 2.0')
    .requiredOption('--stdio', 'on standard input and output')
    .action(serveStdio);

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

/** Opens the history, runs a function on it and leaves it again. */
async function withInstance(
  { workspace, db }: GlobalOptions,
  body: (instance: Instance) => Promise<void>,
  notify: (name: keyof Notifications, params: unknown) => void = () => undefined,
): Promise<void> {
  const log = process.env['DEVCHAT_DEBUG'] ? logToStderr : () => undefined;
  const instance = new Instance({ log, notify });
  const place = db === undefined ? { workspaceFolder: workspace ?? process.cwd() } : { databasePath: db };
  try {
    await instance.handle('initialize', { ...place, client: { name: 'devchat' } });
    await body(instance);
  } finally {
    await instance.close();
  }
}

/** Writes standard input as one message, live in every window while it comes. */
async function streamInput(instance: Instance, params: Params<'stream/start'>): Promise<Message> {
  const { id: messageId } = await instance.handle('stream/start', params);
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    for (let at = 0; at < chunk.length; at += MAX_PIECE_LENGTH) {
      await instance.handle('stream/append', { messageId, text: chunk.slice(at, at + MAX_PIECE_LENGTH) });
    }
  }
  return instance.handle('stream/finish', { messageId });
}

async function messagesOf(instance: Instance, conversationId: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const fromSeq = (all.at(-1)?.seq ?? 0) + 1;
    const range = { conversationId, fromSeq, toSeq: fromSeq + MAX_RANGE - 1 };
    const { messages, lastSeq } = await instance.handle('message/range', range);
    all.push(...messages);
    if (messages.length === 0 || (all.at(-1)?.seq ?? 0) >= lastSeq) return all;
  }
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
  return withInstance(options, () => interrupted, print);
}
