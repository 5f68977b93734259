import { Disposable, l10n, ProgressLocation, window } from 'vscode';
import type { InstanceClient } from '../../instance/client/instanceClient.ts';
import type { IngestHealth } from '../../protocol/ingest.ts';
import { percentRead } from '../../protocol/ingestFacts.ts';
import type { Log } from '../../protocol/log.ts';
import type { Notifications } from '../../protocol/rpc.ts';

/** How long reading may take before it is shown, in ms. */
const UNNOTICED = 1000;

/** Shows how far the reading of many transcripts has come, with a button that ends it. */
export class ImportProgress {
  readonly #client: InstanceClient;
  readonly #log: Log;
  #isShown = false;

  constructor(client: InstanceClient, log: Log) {
    this.#client = client;
    this.#log = log;
  }

  /** Shows how a task proceeds, unless something is shown already. */
  async run<T>(task: Promise<T>): Promise<T> {
    if (this.#isShown) return task;
    this.#isShown = true;
    const options = {
      location: ProgressLocation.Notification,
      title: l10n.t('Reading transcripts'),
      cancellable: true,
    };
    try {
      return await window.withProgress(options, async (progress, token) => {
        token.onCancellationRequested(() => this.#cancel());
        let percent = 0;
        const follow = ({ health }: Notifications['ingest']) => {
          if (health?.state !== 'bulk') return;
          const now = percentRead(health);
          progress.report({ message: message(health), increment: Math.max(0, now - percent) });
          percent = Math.max(percent, now);
        };
        this.#client.events.on('ingest', follow);
        return task.finally(() => this.#client.events.off('ingest', follow));
      });
    } finally {
      this.#isShown = false;
    }
  }

  #cancel(): void {
    this.#client.request('ingest/cancel', {}).catch((error: unknown) => {
      this.#log('warn', `import: it could not be cancelled: ${String(error)}`);
    });
  }
}

/** Shows the reading that nobody has asked for, such as the first one, in the window that does it. */
export function registerImportProgress(client: InstanceClient, progress: ImportProgress): Disposable {
  let leads = false;
  let waiting: NodeJS.Timeout | undefined;
  let ended: PromiseWithResolvers<void> | undefined;
  const end = () => {
    clearTimeout(waiting);
    waiting = undefined;
    ended?.resolve();
    ended = undefined;
  };
  const onStatus = ({ leader, instanceId }: Notifications['status']) => {
    leads = leader?.instanceId === instanceId;
  };
  const onIngest = ({ health }: Notifications['ingest']) => {
    if (health?.state !== 'bulk' || !leads) end();
    else waiting ??= setTimeout(begin, UNNOTICED);
  };
  const begin = () => {
    ended = Promise.withResolvers<void>();
    void progress.run(ended.promise);
  };
  client.events.on('status', onStatus).on('ingest', onIngest).on('state', end);
  return new Disposable(() => {
    end();
    client.events.off('status', onStatus).off('ingest', onIngest).off('state', end);
  });
}

function message(health: IngestHealth): string {
  return l10n.t('{0} %, files left: {1}', percentRead(health), health.filesWaiting);
}
