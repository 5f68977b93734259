import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, it } from 'mocha';
import { TestProxy } from '../hub/support/proxy.ts';
import { HubProcess } from '../hubClient/support/hubProcess.ts';
import type { EditorWindow } from '../support/editorWindow.ts';
import { type OneWindow, openOneWindow } from '../support/oneWindow.ts';

/** How long a list of notifications is looked at before it is opened again, in ms. */
const GLANCE = 2000;

const TITLE = 'Across machines';

const isLong = process.argv.includes('--long');
/** How long the hub is dead, in ms, and the messages that each writes meanwhile. */
const DEAD = isLong ? 60_000 : 0;
const numbers = Array.from({ length: isLong ? 20 : 3 }, (_, index) => index + 1);

describe('two machines on one hub', () => {
  const home = mkdtempSync(join(tmpdir(), 'devchat-e2e-hub-'));
  const hub = new HubProcess(home);
  let proxy: TestProxy;
  let url: string;
  let ann: OneWindow;
  let bob: OneWindow;

  before(async () => {
    const hubUrl = await hub.start();
    proxy = await TestProxy.start(hubUrl);
    url = proxy.through(hubUrl).replace(/\/$/u, '');
    [ann, bob] = await Promise.all([openOneWindow(), openOneWindow()]);
  });
  after(async () => {
    await Promise.all([ann?.close(), bob?.close()]);
    proxy?.close();
    await hub.stop();
    rmSync(home, { recursive: true, force: true });
  });

  /** Enters a hub's address and a token. */
  async function connect(window: EditorWindow, token: string): Promise<void> {
    await window.command('devchat.connectHub');
    await window.answer(url);
    const secret = window.page.locator('.quick-input-widget:visible input[type=password]');
    await secret.fill(token);
    await window.page.keyboard.press('Enter');
  }

  const textsOf = async ({ panel }: OneWindow) => (await panel.messages()).map(({ text }) => text);

  /** Waits for a notification, which may be only in the list of them, or hidden again; presses one of its buttons. */
  async function told(window: EditorWindow, text: RegExp, button?: string): Promise<void> {
    const isShown = () =>
      window
        .notification(text)
        .waitFor({ timeout: GLANCE })
        .then(
          () => true,
          () => false,
        );
    do await window.showNotifications();
    while (!(await isShown()));
    if (button) await window.notification(text).getByRole('button', { name: button }).click();
    await window.page.keyboard.press('Escape');
  }

  it('are refused with a wrong token, and connected with the right one', async () => {
    const token = await hub.token();
    const wrong = token.replace(/.$/u, (last) => (last === 'A' ? 'B' : 'A'));
    await connect(ann.window, wrong);
    await told(ann.window, /does not accept the token/u);
    for (const { window } of [ann, bob]) {
      await connect(window, await hub.token());
      await told(window, /Connected to the hub/u);
    }
  });

  it('chat in a conversation that one of them shares', async () => {
    await ann.create(TITLE);
    await ann.open(TITLE);
    await ann.window.command('devchat.shareConversation');
    await ann.window
      .conversations()
      .row(/shared/u)
      .waitFor();
    await ann.panel.send('Hello from Ann');
    await bob.open(TITLE);
    await bob.panel.feed.getByText('Hello from Ann').waitFor();
    await bob.panel.send('Hello from Bob');
    await ann.panel.feed.getByText('Hello from Bob').waitFor();
    assert.deepEqual(await ann.panel.messages(), await bob.panel.messages());
    await ann.window.screenshot('hub-shared');
  });

  it('converge by themselves after both have written while the hub was dead', async () => {
    await hub.kill();
    for (const number of numbers) {
      await ann.panel.send(`Ann alone ${number}.`);
      await bob.panel.send(`Bob alone ${number}.`);
      await delay(DEAD / numbers.length);
    }
    for (const { panel } of [ann, bob]) await panel.feed.getByText('Not shared yet').nth(2).waitFor();
    proxy.lead(await hub.start());
    const startedAt = performance.now();
    for (const one of [ann, bob]) {
      for (const number of numbers) {
        for (const name of ['Ann', 'Bob']) await one.panel.feed.getByText(`${name} alone ${number}.`).waitFor();
      }
    }
    // The last of them to get its number moves last.
    while (JSON.stringify(await ann.panel.messages()) !== JSON.stringify(await bob.panel.messages()));
    process.stdout.write(`      equal ${Math.round(performance.now() - startedAt)} ms after the hub was back\n`);
    const texts = await textsOf(ann);
    assert.equal(texts.length, 2 + 2 * numbers.length);
    for (const { panel } of [ann, bob])
      await panel.feed.getByText('Not shared yet').first().waitFor({ state: 'detached' });
    for (const name of ['Ann', 'Bob']) {
      assert.deepEqual(
        texts.filter((text) => text.startsWith(`${name} alone`)),
        numbers.map((number) => `${name} alone ${number}.`),
      );
    }
  });

  it('show whose edit was not the first what has become of it', async () => {
    await hub.kill();
    const messageId = await ann.panel.message('Hello from Ann').getAttribute('data-message-id');
    const edits = [
      { author: ann, other: bob, content: 'Hello again from Ann' },
      { author: bob, other: ann, content: 'Hello again from Bob' },
    ];
    for (const { author, content } of edits) {
      await author.sibling.request('message/update', { messageId, content });
    }
    proxy.lead(await hub.start());
    const holds = edits.map(async (edit) => {
      await edit.other.panel.feed.getByText(edit.content).waitFor();
      return edit;
    });
    const { other: loser } = await Promise.any(holds);
    await told(loser.window, /Somebody else was quicker/u, 'Show Other Versions');
    const differences = loser.window.page.locator('.monaco-diff-editor');
    for (const { content } of edits) await differences.getByText(content).waitFor();
    await loser.window.screenshot('hub-other-version');
  });
});
