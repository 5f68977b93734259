import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import type { Message } from '../../src/protocol/model.ts';
import { hostileDocument } from '../fixtures/xss/documents.ts';
import { CALL, vectors } from '../fixtures/xss/vectors.ts';
import type { ChatPanel } from '../support/chatPanel.ts';
import { type OneWindow, openOneWindow } from '../support/oneWindow.ts';
import { tell } from '../support/panelNews.ts';
import { Random } from '../support/random.ts';
import { noHarm, setTraps } from '../support/scriptTraps.ts';

/** Made-up documents in a long run, `--long` or `PROPERTY_FACTOR`, of which there are as many times more. */
const DOCUMENTS = 100_000 * Number(process.env['PROPERTY_FACTOR'] ?? (process.argv.includes('--long') ? 1 : 0));
/** The time for as many as there can be in a short one, in ms. */
const TIME = 15_000;
const LONGEST = 8 * 3_600_000;
/** As many as are on the page at once. */
const BATCH = 250;
/** Vectors in one conversation: all of it is held at once. */
const TOGETHER = 12;
/** What only the editor would make something of. */
const forEditor = ['$(flame) $(sync~spin)', '[x](command:workbench.action.closeWindow)', '**x** <b>y</b> &lt;'];
/** Conversations with such titles at a time: all of them are on screen. */
const ROWS = 6;
/** The word that a search finds all of them by. */
const FOUND_BY = 'needleword';
/** Idle times of the panel in a row. */
const QUIET = 5;
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));

/** As much of a page's global object as is needed there. */
interface IdlePage {
  document: { body: unknown };
  MutationObserver: new (seen: () => void) => { observe(node: unknown, options: object): void; disconnect(): void };
  requestIdleCallback(done: () => void): void;
}

describe('whatever a history says', () => {
  let one: OneWindow;
  let panel: ChatPanel;
  let traps: Awaited<ReturnType<typeof setTraps>>;

  before(async function () {
    this.timeout(120_000);
    one = await openOneWindow({ workspaceSettings: { 'devchat.chat.math': true } });
    panel = one.panel;
    traps = await setTraps(one);
  });
  after(() => one?.close());

  /** Stores a vector wherever a message can hold text. */
  async function addEverywhere(conversationId: string, vector: string): Promise<void> {
    const file = { kind: 'file', path: `src/${vector}`, language: vector, text: vector, omitted: 1 };
    const attachments = [file, { kind: 'terminal', name: vector, text: vector, omitted: 0 }];
    const failure = { reason: 'refused', message: vector };
    const input = { command: vector, [vector]: vector };
    await one.add(conversationId, vector, { author: vector, model: vector });
    await one.add(conversationId, vector, { role: 'user', author: vector, parts: { attachments } });
    await one.add(conversationId, '', {
      status: 'error',
      parts: { failure, runBy: { instanceId: 'x', name: vector } },
    });
    await one.add(conversationId, vector, {
      parts: [
        { type: 'text', text: vector },
        { type: 'reasoning', text: vector },
        { type: 'tool-call', id: vector, name: vector, input },
        { type: 'tool-result', id: vector, output: vector, isError: true },
        { type: 'image', mediaType: vector, url: vector },
        { type: 'other', value: vector },
        { type: vector, text: vector },
      ],
    });
  }

  const retitle = (conversationId: string, title: string) =>
    one.sibling.request('conversation/rename', { conversationId, title });

  /** Waits until all that is done when there is time is done: nothing has changed for a few of these times. */
  async function whenIdle(): Promise<void> {
    await panel.frame.evaluate(async (quiet) => {
      const page = globalThis as unknown as IdlePage;
      let since = 0;
      const observer = new page.MutationObserver(() => {
        since = 0;
      });
      observer.observe(page.document.body, { subtree: true, childList: true });
      for (; since <= quiet; since++) await new Promise<void>((resolve) => page.requestIdleCallback(resolve));
      observer.disconnect();
    }, QUIET);
  }

  for (const [name, texts] of Object.entries(vectors)) {
    it(`runs nothing, loads nothing and leads nowhere: ${texts.length} vectors of ${name}`, async () => {
      for (let from = 0; from < texts.length; from += TOGETHER) {
        const some = texts.slice(from, from + TOGETHER);
        const title = `${name} ${from}`;
        const { id } = await one.create(title);
        await one.open(title);
        await Promise.all(some.map((vector) => addEverywhere(id, vector)));
        await panel.feed.locator(`[data-seq="${4 * some.length}"]`).waitFor();
        await clickAll(panel.feed.locator('summary'));
        await whenIdle();
        for (const vector of some) await retitle(id, vector.slice(0, 500));
        await tell(
          panel,
          some.map((text) => ({ type: 'notice', text, restorable: null })),
        );
        await clickAll(panel.frame.getByRole('button', { name: 'Dismiss' }));
        await retitle(id, title);
        await panel.frame.getByRole('heading', { name: title, level: 1, exact: true }).waitFor();
        assert.deepEqual(await traps.harm(), noHarm);
      }
    }).timeout(300_000);
  }

  it('runs nothing, loads nothing and leads nowhere: documents that are made up of these', async () => {
    const random = new Random(seed, 'hostile documents');
    const { id: conversationId } = await one.create('Made up');
    await one.open('Made up');
    const first: Message[] = [];
    // One after the other: of many at once, the panel fetches only those that are looked at.
    for (let seq = 1; seq <= BATCH; seq++) {
      first.push(await one.add(conversationId, `${seq}`));
      await panel.feed.locator(`[data-seq="${seq}"]`).waitFor();
    }
    assert.equal(await panel.feed.getByRole('article').count(), BATCH);
    const deadline = performance.now() + TIME;
    let documents = 0;
    for (let revision = 2; DOCUMENTS > 0 ? documents < DOCUMENTS : performance.now() < deadline; revision++) {
      const messages = first.map((message) => ({ ...message, revision, content: hostileDocument(random) }));
      documents += messages.length;
      await tell(panel, [{ type: 'messages', conversationId, messages, outdated: [], lastSeq: BATCH }]);
      if (revision % 5 === 0) await whenIdle();
      const harm = await traps.harm();
      const culprits = messages.map(({ content }) => JSON.stringify(content)).join('\n');
      assert.deepEqual(harm, noHarm, `seed ${seed}; one of these:\n${culprits}`);
    }
    process.stdout.write(`      ${documents.toLocaleString('en')} documents, seed ${seed}\n`);
  }).timeout(LONGEST);

  it('is shown as it is in the list, in what a search finds, and in notifications', async () => {
    const { window } = one;
    const some = [...forEditor, ...Object.values(vectors).flat()].filter((_, index) => index < 3 || index % 5 === 0);
    const rows = await Promise.all(
      Array.from({ length: ROWS }, async () => one.add((await one.create('Row')).id, FOUND_BY)),
    );
    for (let from = 0; from < some.length; from += ROWS) {
      for (const [index, { id, conversationId }] of rows.entries()) {
        const text = `${from + index}: ${some[from + index]?.slice(0, 300)}`;
        await retitle(conversationId, text);
        await one.sibling.request('message/update', { messageId: id, content: `${FOUND_BY} ${text}` });
      }
      await window.conversations().row(`${from}: `).waitFor();
      await window.command('devchat.search');
      await window.quickInput().fill(FOUND_BY);
      await window.page.locator('.quick-input-list').getByText(`${FOUND_BY} ${from}: `).waitFor();
      await assertPlain();
      if (from === 0)
        for (const text of forEditor) await window.page.locator('.quick-input-list').getByText(text).first().waitFor();
      await window.page.keyboard.press('Escape');
      assert.deepEqual(await traps.harm(), noHarm);
    }
    const [link] = rows;
    await retitle(link?.conversationId ?? '', `${some[1]}`);
    await window.conversations().menu(some[1] ?? '', 'Delete Conversation');
    await window.confirm('Delete');
    await window.showNotifications();
    await window.notification('was deleted.').getByText('[x]').waitFor();
    await assertPlain();
  }).timeout(300_000);

  /** What the editor shows of a history contains no elements and icons that a text has asked for. */
  async function assertPlain(): Promise<void> {
    const markup =
      'img, script, svg, math, iframe, object, embed, form, video, audio, a[href], b, .codicon-flame, .codicon-sync';
    const shown = one.window.page.locator(':is([role=tree], .quick-input-list, .notifications-list-container)');
    assert.deepEqual(await shown.locator(`:is(${markup})`).evaluateAll((all) => all.map((one) => one.outerHTML)), []);
  }

  it('is caught when it is not stopped: the traps work', async () => {
    await panel.frame.evaluate(`${CALL}; document.body.insertAdjacentHTML('beforeend',
      '<p class="planted"><img src="https://evil.example/x.png" onerror="alert(2)"></p>')`);
    await panel.frame.locator('.planted').waitFor({ state: 'attached' });
    const { ran, made, stopped } = await traps.harm();
    assert.ok(ran.length > 0 && made.length > 0 && stopped.length > 0, JSON.stringify({ ran, made, stopped }));
  });
});

async function clickAll(locator: Locator): Promise<void> {
  await locator.evaluateAll((all) => {
    for (const one of all) one.click();
  });
}
