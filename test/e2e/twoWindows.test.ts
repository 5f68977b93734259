import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import { ChatPanel } from '../support/chatPanel.ts';
import { paintLatencies, percentile } from '../support/paintLatency.ts';
import { instancePids } from '../support/processes.ts';
import {
  type ChatWindow,
  openChat,
  openTwoWindows,
  startConversation,
  type TwoWindows,
} from '../support/twoWindows.ts';

describe('two windows on one folder', () => {
  let two: TwoWindows;
  let a: ChatWindow;
  let b: ChatWindow;

  before(async () => {
    two = await openTwoWindows();
    ({ a, b } = two);
  });
  after(() => two?.close());
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    const name = this.currentTest.title.replaceAll(/\W+/g, '-');
    await a.window.screenshot(`failed-${name}-a`);
    await b.window.screenshot(`failed-${name}-b`);
  });

  it('show a conversation that one of them starts, and what both write', async () => {
    await a.panel.send('First from A');
    await a.panel.message('First from A').waitFor();
    await b.window.conversations().open(/First from A/);
    await b.panel.message('First from A').waitFor();
    await b.panel.send('Second from B');
    await a.panel.message('Second from B').waitFor();
    await a.panel.composer.fill('one line');
    await a.panel.composer.press('Shift+Enter');
    await a.panel.composer.pressSequentially('another');
    await a.panel.composer.press('Enter');
    for (const { panel } of [a, b]) await panel.message('one line').waitFor();
    const expected = ['First from A', 'Second from B', 'one line\nanother'];
    for (const { panel } of [a, b]) {
      assert.deepEqual(
        (await panel.messages()).map(({ seq, text }) => [seq, text]),
        expected.map((text, index) => [index + 1, text]),
      );
    }
  });

  it('agree on the order of 200 messages that each writes at once', async () => {
    await startConversation(a);
    await a.window.command('devchat.renameConversation');
    await a.window.answer('Burst');
    await b.window.conversations().open(/Burst/);
    await b.panel.frame.getByRole('heading', { name: 'Burst' }).waitFor();
    const write = async ({ panel }: ChatWindow, name: string) => {
      for (let index = 0; index < 200; index++) await panel.send(`${name} ${index}`);
    };
    await Promise.all([write(a, 'a'), write(b, 'b')]);
    const seen = await Promise.all(
      [a, b].map(async ({ panel }) => {
        await panel.feed.locator('[data-seq="400"]').waitFor();
        await panel.feed.locator('[data-skeleton]').waitFor({ state: 'detached' });
        return panel.messages();
      }),
    );
    const [inA = [], inB] = seen;
    assert.deepEqual(inA, inB);
    assert.deepEqual(
      inA.map(({ seq }) => seq),
      Array.from({ length: 400 }, (_, index) => index + 1),
    );
    for (const name of ['a', 'b']) {
      const own = inA.map(({ text }) => text).filter((text) => text.startsWith(name));
      assert.deepEqual(
        own,
        Array.from({ length: 200 }, (_, index) => `${name} ${index}`),
      );
    }
  });

  it('paint a message of the other within moments', async () => {
    await startConversation(a);
    await a.panel.send('Measured');
    await b.window.conversations().open(/Measured/);
    await b.panel.message('Measured').waitFor();
    await paintLatencies(a.panel, b.panel, 10);
    const latencies = await paintLatencies(a.panel, b.panel, 50);
    const [median, p95] = [percentile(latencies, 0.5), percentile(latencies, 0.95)];
    process.stdout.write(`      send to painted: median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms\n`);
    assert.equal(latencies.length, 50);
  });

  it('follow a new title, an edited and a deleted message', async () => {
    await startConversation(a);
    await a.panel.send('to be edited');
    await a.panel.send('to be deleted');
    await b.window.conversations().open(/to be edited/);
    await b.panel.message('to be deleted').waitFor();
    // The editor's list takes the focus back when it is drawn anew, and with it closes the input box that is to come.
    await a.window
      .conversations()
      .row(/to be edited.*in 2 windows/)
      .waitFor();

    await a.window.conversations().menu(/to be edited/, 'Rename Conversation');
    await a.window.answer('A better title');
    await b.window
      .conversations()
      .row(/A better title/)
      .waitFor();
    await b.panel.frame.getByRole('heading', { name: 'A better title' }).waitFor();

    await b.panel.act('to be edited', 'Edit');
    const editor = b.panel.feed.getByRole('textbox');
    await editor.fill('was edited');
    await editor.press('Enter');
    await a.panel.message('was edited').getByText('edited', { exact: true }).waitFor();

    await b.panel.act('to be deleted', 'Delete');
    await b.window.confirm('Delete');
    for (const { panel } of [a, b]) {
      await panel.message('was edited').waitFor();
      await panel.message('to be deleted').waitFor({ state: 'detached' });
      assert.deepEqual(await panel.messages(), [{ seq: 1, text: 'was edited' }]);
    }
  });

  it('leave a conversation that the other deletes, say so, and bring it back', async () => {
    await startConversation(a);
    await a.panel.send('Soon gone');
    await b.window.conversations().open(/Soon gone/);
    await b.panel.message('Soon gone').waitFor();
    await b.panel.composer.fill('half a thought');
    await a.window.conversations().menu(/Soon gone/, 'Delete Conversation');
    await a.window.confirm('Delete');

    const notice = b.panel.frame.getByRole('alert').filter({ hasText: '“Soon gone” was deleted in another window' });
    await notice.waitFor();
    assert.deepEqual(await b.panel.messages(), []);
    await b.window
      .conversations()
      .row(/Soon gone/)
      .waitFor({ state: 'detached' });
    assert.equal(await b.panel.composer.inputValue(), 'half a thought');

    await notice.getByRole('button', { name: 'Restore' }).click();
    await b.panel.message('Soon gone').waitFor();
    await a.window
      .conversations()
      .row(/Soon gone/)
      .waitFor();
    assert.equal(await b.panel.composer.inputValue(), 'half a thought');
    await b.panel.composer.fill('');
  });

  it('restore a deleted conversation by the command', async () => {
    await startConversation(a);
    await a.panel.send('Thrown away');
    await a.panel.message('Thrown away').waitFor();
    await a.window.command('devchat.deleteConversation');
    await a.window.confirm('Delete');
    await b.window
      .conversations()
      .row(/Thrown away/)
      .waitFor({ state: 'detached' });
    await b.window.command('devchat.restoreConversation');
    await b.window.answer('Thrown away');
    await b.panel.message('Thrown away').waitFor();
    await a.window
      .conversations()
      .row(/Thrown away/)
      .waitFor();
  });

  it('keep what is written through a kill of the instances', async () => {
    await startConversation(a);
    await a.panel.send('before the crash');
    await b.window.conversations().open(/before the crash/);
    await b.panel.message('before the crash').waitFor();
    await b.panel.composer.fill('unsent');
    const pids = instancePids(two.editor.devchatHome);
    assert.equal(pids.length, 2);
    const sends = Array.from({ length: 20 }, (_, index) => `through the crash ${index}`);
    for (const [index, text] of sends.entries()) {
      await a.panel.send(text);
      if (index === 10) for (const pid of pids) process.kill(pid, 'SIGKILL');
    }
    const killedAt = performance.now();
    const expected = ['before the crash', ...sends].map((text, index) => ({ seq: index + 1, text }));
    for (const { panel } of [a, b]) {
      // Those that a window missed it fetches.
      for (const { seq } of expected) await panel.feed.locator(`[role=article][data-seq="${seq}"]`).waitFor();
    }
    assert.deepEqual(await a.panel.messages(), expected);
    assert.deepEqual(await b.panel.messages(), expected);
    assert.equal(await b.panel.composer.inputValue(), 'unsent');
    process.stdout.write(
      `      both windows were back ${Math.round(performance.now() - killedAt)} ms after the last send\n`,
    );
    await b.panel.composer.fill('');
  });

  it('keep draft, selection and reading position through a reload, each its own', async () => {
    await a.window.conversations().open(/Burst/);
    await b.window.conversations().open(/First from A/);
    await a.panel.message('a 199').waitFor();
    // A draft belongs to the conversation that is shown.
    await b.panel.frame.getByRole('heading', { name: 'First from A' }).waitFor();
    await a.panel.composer.fill('draft of A');
    await b.panel.composer.fill('draft of B');
    const reading = () => a.panel.feed.locator('[data-seq="380"]');
    await reading().evaluate(async (article) => {
      const scrolled = new Promise((resolve) => {
        article.ownerDocument.addEventListener('scrollend', resolve, { capture: true, once: true });
      });
      article.scrollIntoView({ block: 'start' });
      await scrolled;
    });
    const top = () => reading().evaluate((article) => article.getBoundingClientRect().top);
    const before = await top();

    await a.window.reload();
    a.panel = await ChatPanel.of(a.window);
    await reading().waitFor();
    assert.equal(await a.panel.composer.inputValue(), 'draft of A');
    assert.equal(await b.panel.composer.inputValue(), 'draft of B');
    await a.panel.frame.getByRole('heading', { name: 'Burst' }).waitFor();
    assert.ok(Math.abs((await top()) - before) < 3, `moved from ${before} to ${await top()}`);
    await b.panel.message('First from A').waitFor();
    await a.panel.composer.fill('');
  });

  it('find everything again after both were closed', async () => {
    await a.window.close();
    await b.window.close();
    a = two.a = await openChat(two.editor, two.windows, 1);
    await a.window.conversations().open(/First from A/);
    await a.panel.message('one line').waitFor();
    b = two.b = await openChat(two.editor, two.windows, 2);
    await b.window.conversations().open(/First from A/);
    await b.panel.message('one line').waitFor();
    await b.panel.send('after reopening');
    await a.panel.message('after reopening').waitFor();
  });
});
