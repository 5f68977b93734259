import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import { hostileDocument } from '../fixtures/xss/documents.ts';
import { CALL, vectors } from '../fixtures/xss/vectors.ts';
import type { ChatPanel } from '../support/chatPanel.ts';
import { type OneWindow, openOneWindow } from '../support/oneWindow.ts';
import { tell } from '../support/panelNews.ts';
import { Random } from '../support/random.ts';
import { noHarm, setTraps } from '../support/scriptTraps.ts';

const isLong = process.argv.includes('--long') || process.env['PROPERTY_FACTOR'] !== undefined;
/** Documents that are made up, at most, and the time for them in ms. */
const DOCUMENTS = isLong ? 50_000_000 : 100_000;
const TIME = isLong ? 8 * 3_600_000 : 60_000;
const BATCH = 50;
/** Vectors in one conversation: all of it is on the screen's first page. */
const TOGETHER = 12;
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));

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

  /** Waits until all that is done when there is time is done. */
  async function whenIdle(): Promise<void> {
    await panel.frame.evaluate(async () => {
      const { document, requestIdleCallback } = globalThis as unknown as {
        document: { querySelectorAll(selector: string): { length: number } };
        requestIdleCallback(done: () => void): void;
      };
      // Each time the panel takes on one block of code, or one formula.
      for (let left = document.querySelectorAll('pre > code, .math').length + 1; left > 0; left--)
        await new Promise<void>((resolve) => requestIdleCallback(resolve));
    });
  }

  for (const [name, texts] of Object.entries(vectors)) {
    it(`runs nothing, loads nothing and leads nowhere: ${texts.length} vectors of ${name}`, async () => {
      for (let from = 0; from < texts.length; from += TOGETHER) {
        const some = texts.slice(from, from + TOGETHER);
        const title = `${name} ${from}`;
        const { id } = await one.create(title);
        await Promise.all(some.map((vector) => addEverywhere(id, vector)));
        await one.open(title);
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
    const first = await Promise.all(Array.from({ length: BATCH }, (_, index) => one.add(conversationId, `${index}`)));
    await one.open('Made up');
    await panel.feed.locator(`[data-seq="${BATCH}"]`).waitFor();
    const deadline = performance.now() + TIME;
    let documents = 0;
    for (let revision = 2; documents < DOCUMENTS && performance.now() < deadline; revision++) {
      const messages = first.map((message) => ({ ...message, revision, content: hostileDocument(random) }));
      documents += messages.length;
      await tell(panel, [{ type: 'messages', conversationId, messages, outdated: [], lastSeq: BATCH }]);
      if (revision % 10 === 0) await whenIdle();
      const harm = await traps.harm();
      const culprits = messages.map(({ content }) => JSON.stringify(content)).join('\n');
      assert.deepEqual(harm, noHarm, `seed ${seed}; one of these:\n${culprits}`);
    }
    process.stdout.write(`      ${documents.toLocaleString('en')} documents, seed ${seed}\n`);
  }).timeout(TIME + 120_000);

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
