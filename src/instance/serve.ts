import { createMessageConnection, ResponseError } from 'vscode-jsonrpc/node';
import { DevChatError, type Reason, serialiseError } from '../protocol/errors.ts';
import type { Log } from '../protocol/log.ts';
import { type Method, requestParams } from '../protocol/rpc.ts';
import { Instance } from './instance.ts';

/** JSON-RPC error codes of the reasons that have one of their own; the others share the server-error code. */
const codes: Partial<Record<Reason, number>> = { 'bad-request': -32602, 'not-initialized': -32002 };
const SERVER_ERROR = -32000;

/**
 * Serves one client over a pair of byte streams until it says `shutdown` or goes away.
 * Wire: JSON-RPC 2.0 with `Content-Length` framing; errors carry `data.reason`.
 */
export async function serve(input: NodeJS.ReadableStream, output: NodeJS.WritableStream, log: Log): Promise<void> {
  const connection = createMessageConnection(input, output);
  const instance = new Instance({
    log,
    notify: async (notification, params) => {
      try {
        // It throws at once when the client has gone.
        await connection.sendNotification(notification, params);
      } catch (error) {
        log('warn', `rpc: ${notification} was not delivered: ${String(error)}`);
      }
    },
  });
  const ended = new Promise<void>((resolve) => {
    connection.onClose(resolve);
    // A pipe whose writer has gone ends without closing.
    input.once('end', resolve);
    connection.onRequest('shutdown', async () => {
      await instance.close();
      // Messages leave in order: when this one is written, so is the answer. Clients skip unknown "$/" messages.
      setImmediate(() => void connection.sendNotification('$/exit').finally(resolve));
      return null;
    });
  });
  for (const method of Object.keys(requestParams) as Method[]) {
    if (method !== 'shutdown') connection.onRequest(method, (params: unknown) => answer(instance, method, params));
  }
  connection.onError(([error]) => log('error', `rpc: ${error.message}`));
  connection.listen();
  await ended;
  await instance.close();
  connection.dispose();
}

async function answer(instance: Instance, method: Method, params: unknown): Promise<unknown> {
  try {
    return await instance.handle(method, params);
  } catch (error) {
    const { reason, message } = serialiseError(error);
    if (!(error instanceof DevChatError)) throw new ResponseError(SERVER_ERROR, message, { reason });
    throw new ResponseError(codes[reason] ?? SERVER_ERROR, message, { reason });
  }
}
