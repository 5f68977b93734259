import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import { ChatPanel } from '../support/chatPanel.ts';
import { themes } from '../support/editorWindow.ts';
import {
  answering,
  type Behaviour,
  begin,
  breaking,
  chunk,
  DONE,
  FakeModelServer,
  hanging,
  json,
} from '../support/fakeModelServer.ts';
import { startOtherProgram, untilStored } from '../support/otherProgram.ts';
import { type ChatWindow, openTwoWindows, startConversation, type TwoWindows } from '../support/twoWindows.ts';

describe('replies of a model', () => {
  let server: FakeModelServer;
  /** How the server answers questions; when it is asked for a title, it fails unless a test lets it give one. */
  let answer: Behaviour;
  let title: Behaviour;
  let two: TwoWindows;
  let a: ChatWindow;
  let b: ChatWindow;

  before(async () => {
    server = await FakeModelServer.listen();
    server.behaviour = (response, asked) => {
      const isTitle = asked.body.messages[0]?.content.includes('a title');
      return (isTitle ? title : answer)(response, asked);
    };
    two = await openTwoWindows();
    ({ a, b } = two);
    for (const { panel } of [a, b]) await panel.frame.getByText('Choose a model to get replies.').waitFor();
    configure();
    for (const { panel } of [a, b]) await panel.frame.locator('.hint').waitFor({ state: 'detached' });
    writeFileSync(join(two.editor.workspace, 'lock.ts'), 'export const lock = 1;\n');
    await a.panel.model.click();
    await a.window.page.getByRole('option', { name: 'small' }).click();
    await a.panel.frame.getByRole('button', { name: 'Choose Model: small' }).waitFor();
  });
  after(async () => {
    await two?.close();
    await server?.close();
  });
  beforeEach(() => {
    server.asked.length = 0;
    title = json(500, {});
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await a.window.screenshot('failed-replies-a');
    await b.window.screenshot('failed-replies-b');
  });

  const reply = ({ panel }: ChatWindow) => panel.feed.locator('[data-role=assistant]');
  const running = (window: ChatWindow) => reply(window).and(window.panel.feed.locator('[aria-busy=true]'));

  function configure(settings: Record<string, unknown> = {}): void {
    const endpoints = [{ name: 'Fake', baseUrl: server.baseUrl }];
    two.editor.setWorkspaceSettings({ 'devchat.models.endpoints': endpoints, ...settings });
  }

  /** Asks in the first window, in a conversation of its own that both show. */
  async function ask(question: string): Promise<void> {
    await startConversation(a);
    await a.panel.send(question);
    await a.panel.message(question).waitFor();
    await b.window.conversations().open(question);
    await b.panel.message(question).waitFor();
  }

  async function retitled(window: ChatWindow, title: string): Promise<void> {
    await window.panel.frame.getByRole('heading', { name: title, level: 1 }).waitFor();
  }

  it('grow in both windows, 2,000 tokens of them, and name the conversation', async () => {
    const { promise: seen, resolve: goOn } = Promise.withResolvers<void>();
    title = answering('Counting Words');
    answer = async (response) => {
      begin(response);
      for (let token = 0; token < 2000; token++) {
        if (token === 1000) await seen;
        if (!response.write(chunk(`word${token} `))) await new Promise((resolve) => response.once('drain', resolve));
      }
      response.end(DONE);
    };
    await ask('Count the words.');
    for (const window of [a, b]) await running(window).filter({ hasText: 'word999' }).waitFor();
    for (const window of [a, b]) assert.doesNotMatch(await text(running(window)), /word1000/);
    await running(a).getByText('answered by this window').waitFor();
    await running(b).getByText('answered by code-server').waitFor();
    await b.panel.stop.waitFor();
    await a.window.screenshot('reply-growing-a');
    await b.window.screenshot('reply-growing-b');
    goOn();
    const whole = Array.from({ length: 2000 }, (_, token) => `word${token}`).join(' ');
    for (const window of [a, b]) {
      await reply(window).and(window.panel.feed.locator('[data-status=complete]')).waitFor();
      assert.equal((await text(reply(window).locator('.body'))).trim(), whole);
      await retitled(window, 'Counting Words');
    }
    await b.panel.stop.waitFor({ state: 'detached' });
  });

  it('end in both windows when the other one stops them, and so does the request', async () => {
    answer = hanging('half of');
    const closed = server.closed();
    await ask('Stop this.');
    for (const window of [a, b]) await running(window).filter({ hasText: 'half of' }).waitFor();
    await b.panel.stop.click();
    for (const window of [a, b]) {
      await window.panel.feed.locator('[data-status=interrupted]').getByText('Stopped.').waitFor();
      assert.match(await text(reply(window)), /half of/);
    }
    assert.equal(await closed, false);
  });

  it('are interrupted in both windows, with what came, when the processes of their window are killed', async () => {
    const other = await startOtherProgram(two.editor);
    answer = hanging('only the beginning');
    await ask('Kill this.');
    for (const window of [a, b]) await running(window).filter({ hasText: 'only the beginning' }).waitFor();
    await untilStored(other);
    const instance = ownerOf(two.editor.devchatHome);
    const host = parentOf(instance);
    const killedAt = performance.now();
    for (const pid of [host, instance]) process.kill(pid, 'SIGKILL');
    const interrupted = ({ panel }: ChatWindow) =>
      panel.feed.locator('[data-status=interrupted]').filter({ hasText: 'only the beginning' });
    await interrupted(b).waitFor();
    process.stdout.write(`      interrupted after ${Math.round(performance.now() - killedAt)} ms\n`);
    await a.window.reload();
    a.panel = await ChatPanel.of(a.window);
    await interrupted(a).waitFor();
    assert.deepEqual((await a.panel.messages()).length, 2);
  });

  it('say what to do when they fail, and are whole after a retry in the other window', async () => {
    answer = json(429, { error: { message: 'slow down' } }, { 'retry-after': '7' });
    await ask('Try this.');
    for (const { panel } of [a, b]) await panel.message('Retry in 7 s.').waitFor();
    await a.window.screenshot('reply-failed');
    answer = breaking('half an answer');
    await reply(b).getByRole('button', { name: 'Retry' }).click();
    for (const { panel } of [a, b]) await panel.message('half an answer').getByText('broke before the end').waitFor();
    answer = answering('The whole answer.');
    await reply(a).getByRole('button', { name: 'Retry' }).click();
    for (const { panel } of [a, b]) {
      await panel.message('The whole answer.').waitFor();
      await panel.message('3 of 3').waitFor();
      assert.deepEqual(
        (await panel.messages()).map(({ text }) => text),
        ['Try this.', 'The whole answer.'],
      );
    }
  });

  it('are refused without an API key, and come when it was entered', async () => {
    answer = (response, asked) => {
      const isKnown = asked.headers.authorization === 'Bearer sk-entered';
      return (isKnown ? answering('Welcome.') : json(401, { error: { message: 'no key' } }))(response, asked);
    };
    await ask('Let me in.');
    await reply(a).getByRole('button', { name: 'Set API Key' }).click();
    await a.window.page.getByRole('option', { name: /^Fake/ }).click();
    await a.window.page.getByText('sent to http://127.0.0.1').waitFor();
    await a.window.page.locator('.quick-input-widget:visible input').fill('sk-entered');
    await a.window.page.keyboard.press('Enter');
    await a.window.page.getByText('API key of Fake saved').waitFor();
    await reply(a).getByRole('button', { name: 'Retry' }).click();
    for (const { panel } of [a, b]) await panel.message('Welcome.').waitFor();
  });

  it('keep earlier versions: of an answer that is asked for again, and of a question that is edited', async () => {
    answer = answering('First answer.');
    await ask('Question?');
    await a.panel.message('First answer.').waitFor();
    answer = answering('Second answer.');
    await a.panel.act('First answer.', 'Regenerate');
    for (const { panel } of [a, b]) await panel.message('Second answer.').getByText('2 of 2').waitFor();
    await b.panel.message('Second answer.').getByRole('button', { name: 'Previous Version' }).click();
    await b.panel.message('First answer.').getByText('1 of 2').waitFor();
    await a.panel.message('Second answer.').waitFor();

    answer = answering('Third answer.');
    await a.panel.act('Question?', 'Edit');
    await a.panel.feed.getByRole('textbox').fill('A better question?');
    await a.panel.feed.getByRole('button', { name: 'Save and Send' }).click();
    for (const { panel } of [a, b]) {
      await panel.message('Third answer.').waitFor();
      assert.deepEqual(
        (await panel.messages()).map(({ text }) => text),
        ['A better question?', 'Third answer.'],
      );
    }
    assert.deepEqual(
      server.chats.at(-1)?.body.messages.map(({ content }) => content),
      ['A better question?'],
    );
    await a.window.screenshot('reply-versions');
    await a.panel.message('A better question?').getByRole('button', { name: 'Previous Version' }).click();
    await a.panel.message('Second answer.').waitFor();
    assert.deepEqual(
      (await a.panel.messages()).map(({ text }) => text),
      ['Question?', 'Second answer.'],
    );
  });

  it('are asked with what is attached and mentioned, which stays to be seen', async () => {
    answer = answering('I see.');
    await startConversation(a);
    await a.window.command('workbench.action.quickOpen');
    await a.window.quickInput().fill('lock.ts');
    await a.window.page.getByRole('option', { name: /^lock.ts/ }).click();
    await a.window.page.locator('.monaco-editor .view-lines').filter({ hasText: 'lock' }).click();
    await a.window.page.keyboard.press('Control+A');
    await a.window.command('devchat.attachSelection');
    const chips = a.panel.frame.locator('.composer .chip');
    await chips.filter({ hasText: 'lock.ts:1' }).waitFor();
    await a.window.screenshot('reply-attached');
    await a.panel.send('What about #file:lock.ts?');
    await a.panel.message('I see.').waitFor();
    assert.equal(await chips.count(), 0);
    const [question] = server.chats;
    const fenced = '```typescript\nexport const lock = 1;\n\n```';
    assert.equal(
      question?.body.messages[0]?.content,
      `Lines 1–1 of lock.ts:\n${fenced}\n\nThe file lock.ts:\n${fenced}\n\nWhat about #file:lock.ts?`,
    );
    const sent = a.panel.message('What about');
    assert.deepEqual(await sent.locator('.chip').allTextContents(), ['lock.ts:1', 'lock.ts']);
    await sent.getByText('lock.ts:1').click();
    await sent.getByText('export const lock = 1;').waitFor();
    await a.panel.send('And #file:none.ts?');
    const unsent = a.panel.frame.locator('.pending.failed');
    await unsent.getByText('There is no file “none.ts” in this workspace.').waitFor();
    await a.window.screenshot('reply-mention-failed');
    await unsent.getByRole('button', { name: 'Edit' }).click();
    assert.equal(await a.panel.composer.inputValue(), 'And #file:none.ts?');
    await a.panel.composer.fill('');
  });

  it('are not asked for without a model, though one is on offer', async () => {
    await startConversation(a);
    await a.panel.model.click();
    await a.window.page.getByRole('option', { name: 'No Model' }).click();
    await a.panel.frame.getByRole('button', { name: 'Choose Model: No model' }).waitFor();
    await a.panel.send('Only a note');
    await a.panel.message('Only a note').waitFor();
    assert.deepEqual(server.chats, []);
    assert.equal(await a.panel.frame.locator('.composer .hint').count(), 0);
  });

  for (const [name, kind] of [
    ['light', 'vs'],
    ['dark', 'vs-dark'],
    ['highContrast', 'hc-black'],
  ] as const) {
    it(`look as they should in ${name}`, async () => {
      configure({ 'workbench.colorTheme': themes[name] });
      await a.window.themeKind(kind);
      await a.window.conversations().open(/Kill this/);
      await a.panel.message('Kill this.').hover();
      await a.window.screenshot(`reply-${name}-ended`);
      await a.window.conversations().open(/What about/);
      await a.panel.message('I see.').hover();
      await a.window.screenshot(`reply-${name}-attached`);
    });
  }
});

async function text(locator: Locator): Promise<string> {
  return (await locator.textContent()) ?? '';
}

/** Process id of the instance that runs the newest reply. */
function ownerOf(devchatHome: string): number {
  const [id = assert.fail('no database')] = readdirSync(join(devchatHome, 'workspaces'));
  const db = new Sqlite(join(devchatHome, 'workspaces', id, 'chat.db'), { readonly: true });
  try {
    const owner = db
      .prepare(
        `SELECT pid FROM peers JOIN messages ON instance_id = parts ->> '$.runBy.instanceId'
         WHERE status = 'streaming' ORDER BY created_at DESC`,
      )
      .pluck()
      .get();
    assert.ok(typeof owner === 'number');
    return owner;
  } finally {
    db.close();
  }
}

function parentOf(pid: number): number {
  const [, parent] = /\) \w (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  return Number(parent);
}
