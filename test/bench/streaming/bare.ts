import { cpSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import type { EditorWindow } from '../../support/editorWindow.ts';

const extension = join(import.meta.dirname, 'bareExtension');

/**
 * The floor of a stream that is painted: an extension in each window gets the same pieces over a socket and appends them to
 * a bare element of its page, 25 ms apart.
 */
export class BareStream {
  /** Environment of the editor's extension hosts. */
  readonly env: NodeJS.ProcessEnv;
  readonly #readers = new Set<Socket>();
  readonly #server = createServer((socket) => this.#readers.add(socket));

  /** Puts the extension where an editor that is about to start finds it; the socket lies in the same folder. */
  constructor(folder: string, extensionsDir: string) {
    cpSync(extension, join(extensionsDir, 'devchat-test.bare-stream-1.0.0'), { recursive: true });
    const path = join(folder, 'bare.sock');
    this.env = { BARE_STREAM: path };
    this.#server.listen(path);
  }

  /** Shows the element in a window, beside the chat panel. */
  async show(window: EditorWindow): Promise<Locator> {
    const frame = window.frameWith('#bare');
    await window.command('bareStream.view.focus');
    return (await frame).locator('#bare');
  }

  /** Empties the elements, and begins a text. */
  begin(text: string): void {
    this.send(`\f${text}`);
  }

  /** Hands a piece to all windows. */
  send(text: string): void {
    for (const reader of this.#readers) reader.write(text);
  }

  close(): void {
    for (const reader of this.#readers) reader.destroy();
    this.#server.close();
  }
}
