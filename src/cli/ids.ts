import * as v from 'valibot';
import { DevChatError } from '../protocol/errors.ts';
import { Id } from '../protocol/rpc.ts';

/**
 * An id as the user typed it.
 * @throws {DevChatError} `bad-request`
 */
export function idFrom(text: string): string {
  const id = v.safeParse(Id, text);
  if (id.success) return id.output;
  throw new DevChatError(
    'bad-request',
    `“${text}” is not an id: it must be a UUID as “devchat list” shows it, such as 0198c5a2-7b1e-7cc3-98c4-dc0c0c07398f.`,
  );
}
