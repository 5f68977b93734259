import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import type { Conversation, Message } from '../../src/protocol/model.ts';
import { ChatPanel } from '../support/chatPanel.ts';
import { contrast } from '../support/contrast.ts';
import type { EditorWindow } from '../support/editorWindow.ts';
import { type OneWindow, openOneWindow } from '../support/oneWindow.ts';
import { showTheme, themeKinds } from '../support/themeKinds.ts';

const COUNT = 10_000;
/** Most messages that the list may hold while it is scrolled. */
const WIDEST = 300;

const rich = `## What was wrong

The lock was **released** before the write; see [the documentation](https://example.com/locks) and \`withLock\`.

- [x] reproduce it
- [ ] mend it, and *measure*

\`\`\`ts
/** Writes one entry under the lock. */
export async function append(entry: Entry, attempts = 3): Promise<number> {
  const line = \`\${JSON.stringify(entry)}\\n\`;
  if (entry.seq > 1000 && !lock.isHeld) throw new Error('too late');
  return withLock(async () => file.write(line));
}
\`\`\`

| case | before | after | what it is, in many words so that the table becomes wide enough to scroll |
| ---- | -----: | :---: | --- |
| two windows | 3 lost | none | a table scrolls by itself |

> Energy: $E = mc^2$, and it costs $5 or $6.

$$
\\int_0^1 x^2\\,dx = \\frac{1}{3}
$$`;

describe('reading a conversation', () => {
  let one: OneWindow;
  let window: EditorWindow;
  let panel: ChatPanel;

  before(async function () {
    // Ten thousand commits.
    this.timeout(600_000);
    one = await openOneWindow();
    ({ window, panel } = one);
    await panel.send('The first of all');
    await panel.message('The first of all').waitFor();
    const long = await one.create('Ten thousand');
    for (let from = 1; from <= COUNT; from += 500) {
      const numbers = Array.from({ length: 500 }, (_, index) => from + index);
      await Promise.all(
        numbers.map((number) => one.add(long.id, textOf(number), { role: number % 2 ? 'user' : 'assistant' })),
      );
    }
  });
  after(() => one?.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await window.screenshot(`failed-${this.currentTest.title.slice(0, 40)}`);
  });

  /** Messages of different heights, of which every 600th has a word of its own. */
  function textOf(number: number): string {
    const lines = Array.from({ length: number % 5 }, (_, index) => `line ${index} of it`);
    const word = number % 600 === 0 ? ' needle' : '';
    return [`Message ${number}.${word}`, ...lines].join('\n\n');
  }

  const articles = () => panel.feed.getByRole('article');
  const at = (seq: number) => panel.feed.locator(`[data-seq="${seq}"]`);
  const topOf = (message: Locator) => message.evaluate((article) => article.getBoundingClientRect().top);
  const newMessages = () => panel.frame.getByRole('button', { name: 'New messages' });

  /** The number of the first message that is on screen. */
  function firstVisible(): Promise<number> {
    return panel.feed.evaluate((feed) => {
      const { top } = feed.parentElement.getBoundingClientRect();
      const all = [...feed.querySelectorAll('[role=article]')];
      return Number(all.find((article) => article.getBoundingClientRect().bottom > top)?.dataset.seq);
    });
  }

  /** Turns the wheel, and resolves when the list has come to rest. */
  async function wheel(by: number): Promise<void> {
    const box = await panel.frame.locator('.scroller').boundingBox();
    if (box) await window.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const handle = await panel.feed.evaluateHandle((feed) => ({
      ended: new Promise((resolve) => feed.parentElement.addEventListener('scrollend', resolve, { once: true })),
    }));
    await window.page.mouse.wheel(0, by);
    await handle.evaluate(({ ended }) => ended);
  }

  async function assertNothingMissing(): Promise<void> {
    await panel.feed.locator('[data-skeleton]').waitFor({ state: 'detached' });
  }

  /** Saves pictures of the window in all kinds of theme, and calls back in each. */
  async function inEachTheme(name: string, check: () => Promise<void> = async () => undefined): Promise<void> {
    for (const theme of themeKinds) {
      await showTheme(theme, one, settings);
      await window.screenshot(`reading-${name}-${theme}`);
      await check();
    }
  }
  let settings: Record<string, unknown> = {};

  it('moves by what the wheel says and by nothing else while messages come and go', async () => {
    await one.open('Ten thousand');
    await at(COUNT).waitFor();
    let widest = 0;
    const lowest = { seq: COUNT };
    for (const by of [...Array(60).fill(-600), ...Array(30).fill(600)]) {
      const seq = await firstVisible();
      const before = await topOf(at(seq));
      await wheel(by);
      await assertNothingMissing();
      const moved = (await topOf(at(seq))) - before;
      assert.ok(Math.abs(moved + by) <= 2, `message ${seq} moved by ${moved} instead of ${-by}`);
      widest = Math.max(widest, await articles().count());
      lowest.seq = Math.min(lowest.seq, await firstVisible());
    }
    assert.ok(widest <= WIDEST, `${widest} messages`);
    assert.ok(lowest.seq < COUNT - WIDEST, `only back to ${lowest.seq}`);
  }).timeout(180_000);

  it('goes to the first message and back to the last by a key', async () => {
    await articles()
      .last()
      .click({ position: { x: 5, y: 5 } });
    await window.page.keyboard.press('Home');
    await at(1).waitFor();
    await panel.frame.locator('[data-seq="1"]:focus').waitFor();
    assert.ok((await articles().count()) <= WIDEST);
    assert.equal(await firstVisible(), 1);
    await window.page.keyboard.press('Control+End');
    await panel.frame.locator(`[data-seq="${COUNT}"]:focus`).waitFor();
    assert.ok((await articles().count()) <= WIDEST);
  });

  it('says that there are new messages when their place is not held, and goes there', async () => {
    await window.page.keyboard.press('Home');
    await panel.frame.locator('[data-seq="1"]:focus').waitFor();
    await panel.frame.getByRole('button', { name: 'Go to the end' }).waitFor();
    await window.screenshot('reading-far');
    const [{ id }] = await conversations('Ten thousand');
    const before = await topOf(at(5));
    await one.add(id, 'News from afar');
    await newMessages().waitFor();
    assert.equal(await topOf(at(5)), before);
    assert.deepEqual(await panel.skeletons(), []);
    await window.screenshot('reading-new');
    await newMessages().click();
    await panel.message('News from afar').waitFor();
    await newMessages().waitFor({ state: 'detached' });
    await one.add(id, 'More news');
    await panel.message('More news').waitFor();
    assert.ok(await isInView(panel.message('More news')));
  });

  async function conversations(title: string): Promise<[Conversation]> {
    const { conversations: all } = await one.sibling.request<{ conversations: Conversation[] }>('conversation/list');
    return [all.find((one) => one.title === title) ?? assert.fail(title)];
  }

  function isInView(message: Locator): Promise<boolean> {
    return message.evaluate((article) => {
      const [own, list] = [article, article.closest('.scroller')].map((box) => box.getBoundingClientRect());
      return own.top >= list.top - 1 && own.top < list.bottom;
    });
  }

  it('returns after a reload to where the reader was, however far back', async () => {
    await window.page.keyboard.press('Home');
    await panel.frame.locator('[data-seq="1"]:focus').waitFor();
    await wheel(3000);
    await assertNothingMissing();
    const seq = await firstVisible();
    const before = await topOf(at(seq));
    await window.reload();
    panel = one.panel = await ChatPanel.of(window);
    await at(seq).waitFor();
    await assertNothingMissing();
    assert.ok(Math.abs((await topOf(at(seq))) - before) < 3, `from ${before} to ${await topOf(at(seq))}`);
  });

  it('finds words anywhere in the conversation, and gives the focus back', async () => {
    await at(await firstVisible()).click({ position: { x: 5, y: 5 } });
    await window.page.keyboard.press('Control+f');
    const bar = panel.frame.getByRole('search');
    await bar.getByRole('textbox').fill('needle');
    await bar.getByText('1 of 16').waitFor();
    await at(600).waitFor();
    assert.ok(await isInView(at(600)));
    await window.page.keyboard.press('Enter');
    await bar.getByText('2 of 16').waitFor();
    await at(1200).waitFor();
    const highlighted = await panel.feed.evaluate((feed) => {
      const { CSS } = feed.ownerDocument.defaultView;
      return [...(CSS.highlights.get('devchat-find-current') ?? [])].map(String);
    });
    assert.deepEqual(highlighted, ['needle']);
    await inEachTheme('find');
    await window.page.keyboard.press('Shift+Enter');
    await window.page.keyboard.press('Shift+Enter');
    await bar.getByText('16 of 16').waitFor();
    assert.ok(await isInView(at(9600)));
    assert.ok((await articles().count()) <= WIDEST);
    await window.page.keyboard.press('Escape');
    await bar.waitFor({ state: 'detached' });
    await panel.frame.locator('[data-seq="9600"]:focus').waitFor();
  });

  it('goes to a message that a search over everything has found', async () => {
    await one.open('The first of all');
    await window.command('devchat.search');
    await window.quickInput().fill('Message 4321');
    await window.page.locator('.quick-input-list').getByText('Message 4321').first().waitFor();
    await window.page.keyboard.press('Enter');
    await panel.frame.locator('[data-seq="4321"]:focus').waitFor();
    assert.ok(await isInView(at(4321)));
  });

  it('shows code in colours that can be read, tables that scroll, tasks and folded parts', async () => {
    const { id } = await one.create('Rich');
    await one.add(id, 'Why was the entry lost?', { role: 'user' });
    await one.add(id, rich);
    await one.open('Rich');
    const code = panel.feed.locator('.codeBlock code');
    await code.locator('.hljs-keyword').first().waitFor();
    assert.deepEqual(await panel.feed.getByRole('checkbox').evaluateAll((all) => all.map(({ checked }) => checked)), [
      true,
      false,
    ]);
    await inEachTheme('rich', async () => {
      for (const span of await code.locator('span').all()) {
        const ratio = await contrast(span);
        assert.ok(
          ratio >= 4.5,
          `${await span.getAttribute('class')}: ${ratio} in ${await panel.frame.locator('body').getAttribute('class')}`,
        );
      }
    });
    assert.equal(await panel.feed.locator('math').count(), 0);
    settings = { 'devchat.chat.math': true };
    const replaced = window.page.waitForEvent('framedetached');
    one.editor.setWorkspaceSettings(settings);
    await replaced;
    panel = one.panel = await ChatPanel.of(window);
    await panel.feed.locator('math[display=block]').waitFor();
    await panel.feed.locator('math:not([display=block])').waitFor();
    assert.equal(await panel.feed.locator('math').count(), 2);
    await inEachTheme('math');
  }).timeout(120_000);

  it('folds what tools did, and fetches what is long when it is opened', async () => {
    const output = `${'a line of output\n'.repeat(1000)}the very end`;
    const { id } = await one.create('Tools');
    const reasoning = { type: 'reasoning', text: 'First I look at **the lock**.\nThen at the file.' };
    const text = { type: 'text', text: 'I will look at the notes.' };
    const input = { command: 'cat notes.md', timeout: 10 };
    const content = `${text.text}\n\n**Bash** \`cat notes.md\``;
    await one.add(id, content, { parts: [reasoning, text, { type: 'tool-call', id: 'c1', name: 'Bash', input }] });
    await one.add(id, `${output.slice(0, 10_000)}…`, {
      role: 'tool',
      parts: [{ type: 'tool-result', id: 'c1', output, isError: true }],
    });
    await one.open('Tools');
    const parts = panel.feed.locator('details');
    await parts.nth(2).waitFor();
    assert.deepEqual(await parts.locator('.partName').allTextContents(), ['Reasoning', 'Bash', 'Bash']);
    assert.equal(await parts.nth(1).locator('.partSummary').textContent(), 'cat notes.md');
    assert.equal(await parts.locator('.failed').count(), 2);
    assert.equal(await panel.feed.getByText('a line of output').count(), 1);
    for (const part of await parts.all()) await part.locator('summary').click();
    await parts.nth(0).getByText('the lock', { exact: true }).waitFor();
    await parts.nth(1).getByText('"timeout": 10').waitFor();
    await parts.nth(2).getByRole('button', { name: 'Show all' }).click();
    await parts.nth(2).getByText('the very end').waitFor();
    await panel.feed.evaluate((feed) => feed.parentElement.scrollTo(0, 0));
    await inEachTheme('tools');
  });

  it('folds a long message, unless a search leads into it', async () => {
    const { id } = await one.create('Long');
    await one.add(id, `${'Words of a paragraph. '.repeat(20)}\n\n`.repeat(60).concat('haystack'));
    await one.open('Long');
    const showAll = panel.feed.getByRole('button', { name: 'Show all' });
    await showAll.waitFor();
    assert.equal(await panel.feed.getByText('haystack').count(), 0);
    await window.screenshot('reading-folded');
    await panel.composer.click();
    await window.page.keyboard.press('Control+f');
    await panel.frame.getByRole('search').getByRole('textbox').fill('haystack');
    await panel.feed.getByText('haystack').waitFor();
    assert.equal(await showAll.count(), 0);
    assert.ok(await isInView(panel.feed.getByText('haystack')));
    await window.page.keyboard.press('Escape');
  });

  it('copies code, writes it at the cursor, into a new file, and compares the file with it', async () => {
    await one.open('Rich');
    const block = panel.feed.locator('.codeBlock');
    const press = async (name: string) => {
      await block.hover();
      await block.getByRole('button', { name, exact: true }).click();
    };
    const alert = panel.frame.getByRole('alert');
    await press('Insert at Cursor');
    await alert.filter({ hasText: 'Open a file first' }).waitFor();
    await alert.getByRole('button', { name: 'Dismiss' }).click();
    await press('Copy');
    await block.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await window.page.evaluate('navigator.clipboard.readText()');
    assert.match(String(copied), /^\/\*\* Writes one entry/);
    const lines = window.page.locator('.view-lines').last();
    await press('Create File');
    await lines.getByText('export async function append').first().waitFor();
    await window.page.getByRole('button', { name: 'TypeScript' }).first().waitFor();
    await window.page.keyboard.press('Control+Home');
    await press('Insert at Cursor');
    await window.page.getByText('Ln 6').first().waitFor();
    await press('Compare with Active File');
    await window.page.locator('.monaco-diff-editor').first().waitFor();
    await block.hover();
    await window.screenshot('reading-code');
  });

  it('names the whole host before it opens a link that says something else', async () => {
    await one.open('Rich');
    await panel.feed.getByRole('link', { name: 'the documentation' }).click();
    const dialog = window.page.getByRole('dialog');
    await dialog.getByText('Open example.com?').waitFor();
    await dialog.getByText('https://example.com/locks').waitFor();
    await window.screenshot('reading-link');
    await window.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('keeps what was read of a reply while more of it comes, and takes the same time for each piece', async () => {
    const { id } = await one.create('Growing');
    const { id: messageId } = await one.sibling.request<Message>('stream/start', { conversationId: id });
    const append = (text: string) => one.sibling.request('stream/append', { messageId, text });
    await append('The first **paragraph**.\n\n- an item\n\nAnd');
    await one.open('Growing');
    const body = panel.feed.locator('[aria-busy=true] .body');
    await body.getByText('And').waitFor();
    await body.evaluate((element) => {
      element.firstElementChild.isTheSame = true;
      const selection = element.ownerDocument.getSelection();
      selection.selectAllChildren(element.firstElementChild);
    });
    const paragraph = 'Some *words* of a paragraph, with `code` in it.\n\n';
    for (let size = 0; size < 150_000; size += 50_000)
      await append(paragraph.repeat(Math.ceil(50_000 / paragraph.length)));
    const frames = await body.evaluateHandle((element) => {
      const page = element.ownerDocument.defaultView;
      const gaps: number[] = [];
      let last = page.performance.now();
      const look = () => {
        gaps.push(page.performance.now() - last);
        last = page.performance.now();
        page.requestAnimationFrame(look);
      };
      page.requestAnimationFrame(look);
      return gaps;
    });
    for (let piece = 0; piece < 100; piece++) await append(`word${piece} `);
    await append('the end');
    await body.getByText('the end').waitFor();
    const longest = Math.max(...(await frames.evaluate((gaps) => gaps)));
    process.stdout.write(`      longest frame at the end of 150,000 characters: ${Math.round(longest)} ms\n`);
    await one.sibling.request('stream/finish', { messageId });
    await panel.feed.locator('[aria-busy=false]').waitFor();
    const kept = await panel.feed.locator('.body').evaluate((element) => ({
      isTheSame: element.firstElementChild.isTheSame,
      selected: String(element.ownerDocument.getSelection()),
    }));
    assert.deepEqual(kept, { isTheSame: true, selected: 'The first paragraph.' });
    assert.equal(await panel.feed.getByRole('button', { name: 'Show all' }).count(), 0);
  });

  it('grows a list or table by its last item or row alone, into what the whole text gives', async () => {
    const items = Array.from({ length: 40 }, (_, index) => `${index + 1}. An *item*\n   - and one in it\n`).join('');
    const rows = Array.from({ length: 40 }, (_, index) => `| cell ${index} | \`code\` |\n`).join('');
    const text = `Before\n\n${items}\n## Between\n\n| a | b |\n|:--|--:|\n${rows}\nAfter`;
    const { id } = await one.create('Items');
    await one.add(id, text);
    const { id: messageId } = await one.sibling.request<Message>('stream/start', { conversationId: id });
    await one.open('Items');
    const [whole, growing] = [0, 1].map((index) => panel.feed.locator('.body').nth(index));
    await growing?.evaluate((body) => {
      const list = new body.ownerDocument.defaultView.MutationObserver(() => {
        // The first of three has ended.
        const [item, , third] = body.querySelectorAll(':scope > ol > li');
        const [row, , thirdRow] = body.querySelectorAll('tbody tr');
        body.kept ??= { item: null, row: null, isSame: true };
        if (third) body.kept.item ??= item;
        if (thirdRow) body.kept.row ??= row;
        const { item: keptItem, row: keptRow } = body.kept;
        body.kept.isSame &&= (keptItem ?? item) === item && (keptRow ?? row) === row;
      });
      list.observe(body, { childList: true, subtree: true });
    });
    for (let from = 0; from < text.length; from += 25) {
      await one.sibling.request('stream/append', { messageId, text: text.slice(from, from + 25) });
      await growing
        ?.getByText(
          text
            .slice(0, from)
            .match(/cell \d+(?= )/g)
            ?.at(-1) ?? '',
        )
        .first()
        .waitFor();
    }
    await one.sibling.request('stream/finish', { messageId });
    await panel.feed.locator('[aria-busy=true]').waitFor({ state: 'detached' });
    assert.equal(await growing?.innerHTML(), await whole?.innerHTML());
    assert.equal(await growing?.evaluate((body) => body.kept.isSame && body.kept.row !== null), true);
  });
});
