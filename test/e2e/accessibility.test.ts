import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Message } from '../../src/protocol/model.ts';
import { sampleMessages, sampleTitle } from '../fixtures/sampleConversation.ts';
import { findBarriers } from '../support/axe.ts';
import type { ChatPanel } from '../support/chatPanel.ts';
import { type OneWindow, openOneWindow } from '../support/oneWindow.ts';
import { tell } from '../support/panelNews.ts';
import { showTheme, themeKinds } from '../support/themeKinds.ts';

/** What a reply that failed for a reason offers most for. */
const refused = { failure: { reason: 'refused', message: 'The endpoint refused the API key (401).' } };

describe('the panel', () => {
  let one: OneWindow;
  let panel: ChatPanel;

  before(async function () {
    this.timeout(120_000);
    one = await openOneWindow({ size: { width: 1280, height: 900 } });
    panel = one.panel;
  });
  after(() => one?.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await one.window.screenshot(`failed-accessibility-${Date.now()}`);
  });

  const details = () => panel.feed.locator('details');
  const toggleAll = async () => {
    for (const part of await details().all()) await part.locator('summary').first().click();
  };

  /** Ways to bring the panel into a state; each begins with what the one before has left. */
  const states: Record<string, () => Promise<unknown>> = {
    conversation: async () => {
      await one.open(sampleTitle);
      await panel.feed.locator('.hljs-keyword').first().waitFor();
    },
    unfolded: async () => {
      await toggleAll();
      await panel.feed.getByText('2 tests passed').waitFor();
    },
    'folded again': toggleAll,
    hovered: async () => {
      await panel.message('ends too early').locator('.codeBlock').hover();
    },
    editing: async () => {
      await panel.act('Mend it', 'Edit');
      await panel.feed.getByRole('textbox').waitFor();
    },
    'find bar': async () => {
      await one.window.page.keyboard.press('Escape');
      await one.window.page.keyboard.press('Control+f');
      await panel.frame.getByRole('search').getByRole('textbox').fill('lock');
      await panel.frame.getByRole('search').getByText('1 of').waitFor();
    },
    'with a notice': async () => {
      await one.window.page.keyboard.press('Escape');
      const text = 'The conversation was deleted in another window.';
      await tell(panel, [{ type: 'notice', text, restorable: null }]);
      await panel.frame.getByRole('alert').waitFor();
    },
    'narrow, 300 pixels': async () => {
      await panel.frame.getByRole('alert').getByRole('button', { name: 'Dismiss' }).click();
      await one.window.sideBarWidth(300);
    },
    wide: () => one.window.sideBarWidth(700),
    streaming: async () => {
      await one.open('Streaming');
      await panel.feed.locator('[aria-busy=true]').getByText('already here').waitFor();
    },
    failed: async () => {
      await one.open('Failed');
      await panel.feed.getByText('refused the API key').waitFor();
    },
    'empty conversation': async () => {
      await one.open('Empty');
      await panel.frame.getByText('Nothing here yet').waitFor();
    },
  };

  async function assertNoBarriers(state: string, theme: string): Promise<void> {
    const findings = await findBarriers(panel.frame);
    if (findings.length > 0) await one.window.screenshot(`barrier-${theme}-${state}`);
    assert.deepEqual(findings, [], `${state} in ${theme}`);
  }

  it('has no serious barriers while it is empty, in every kind of theme', async () => {
    await panel.frame.getByText('No conversation selected').waitFor();
    for (const theme of themeKinds) {
      await showTheme(theme, one);
      await assertNoBarriers('nothing selected', theme);
    }
  });

  describe('with a conversation', () => {
    before(async () => {
      const sample = await one.create(sampleTitle);
      for (const { content, ...rest } of sampleMessages) await one.add(sample.id, content, rest);
      const failed = await one.create('Failed');
      await one.add(failed.id, 'Let me in.', { role: 'user' });
      await one.add(failed.id, 'half of it', { status: 'error', parts: refused });
      await one.add(failed.id, 'cut', { status: 'interrupted' });
      await one.create('Empty');
      const { id } = await one.create('Streaming');
      const { id: messageId } = await one.sibling.request<Message>('stream/start', { conversationId: id });
      await one.sibling.request('stream/append', { messageId, text: 'What is **already here** of a reply' });
      const waiting = await one.create('Waiting');
      await one.sibling.request('stream/start', { conversationId: waiting.id });
    });

    for (const theme of themeKinds) {
      it(`has no serious barriers in any state in ${theme}`, async () => {
        await showTheme(theme, one);
        for (const [state, reach] of Object.entries(states)) {
          await reach();
          await assertNoBarriers(state, theme);
        }
      }).timeout(120_000);
    }

    it('lets the keyboard reach every control, and shows which one has the focus', async () => {
      await one.open(sampleTitle);
      // Rings are for who uses the keyboard.
      await one.window.page.keyboard.press('Tab');
      const walk = await panel.frame.evaluateHandle(watchFocus);
      for (const article of await panel.feed.getByRole('article').all()) {
        for (const key of ['Tab', 'Shift+Tab']) {
          await article.focus();
          do await one.window.page.keyboard.press(key);
          while (await walk.evaluate(({ isInside }) => isInside()));
        }
        assert.deepEqual(
          await walk.evaluate(({ unreached }, from) => unreached(from), await article.elementHandle()),
          [],
        );
      }
      assert.deepEqual(await walk.evaluate(({ withoutRing }) => [...withoutRing]), []);
    });

    it('keeps its edges when the system forces its colours', async () => {
      await one.open('Failed');
      await one.window.page.emulateMedia({ forcedColors: 'active' });
      await assertNoBarriers('failed', 'forced colours');
      await one.open(sampleTitle);
      await assertNoBarriers('conversation', 'forced colours');
      await one.window.screenshot('accessibility-forced-colours');
      for (const edge of await panel.frame.locator('[data-role=user], .inputBox, button.send').all()) {
        const { border, behind } = await edge.evaluate((element) => {
          const { document, getComputedStyle } = element.ownerDocument.defaultView;
          const { borderTopColor, borderTopWidth } = getComputedStyle(element);
          return {
            border: `${borderTopWidth} ${borderTopColor}`,
            behind: getComputedStyle(document.body).backgroundColor,
          };
        });
        assert.match(border, /^1px rgb\(/);
        assert.notEqual(border, `1px ${behind}`);
      }
      await one.window.page.emulateMedia({ forcedColors: 'none' });
    });

    it('moves nothing by itself for who asked the system for less motion', async () => {
      await one.open('Waiting');
      await panel.feed.locator('[aria-busy=true]').waitFor();
      const running = () => panel.frame.evaluate<number>('document.getAnimations().length');
      await one.window.page.emulateMedia({ reducedMotion: 'no-preference' });
      assert.ok((await running()) > 0);
      await one.window.page.emulateMedia({ reducedMotion: 'reduce' });
      assert.equal(await running(), 0);
    });
  });
});

/** Notes in a page which controls get the focus; runs there by itself. */
function watchFocus() {
  const { document, getComputedStyle } = globalThis as unknown as { document: Document; getComputedStyle: StyleOf };
  const reached = new Set<Control>();
  const withoutRing = new Set<string>();
  const describe = (control: Control) => control.outerHTML.slice(0, 120);
  const hasRing = (control: Control) => {
    if (getComputedStyle(control).outlineStyle !== 'none') return true;
    // A field's frame shows it, too.
    const frame = control.closest('.inputBox, .query, .editor textarea');
    return frame !== null && getComputedStyle(frame).borderTopColor !== 'rgba(0, 0, 0, 0)';
  };
  document.addEventListener('focusin', ({ target }) => {
    reached.add(target);
    if (!hasRing(target)) withoutRing.add(describe(target));
  });
  const isInside = () => document.hasFocus() && document.activeElement !== document.body;
  const unreached = (article: Control) =>
    [...document.querySelectorAll('a, button:enabled, summary, textarea, input:enabled, [tabindex="0"]')]
      .filter((control) => article.contains(control) || !control.closest('[role=article]'))
      .filter((control) => control.checkVisibility({ visibilityProperty: true }) && !reached.has(control))
      .map(describe);
  return { isInside, unreached, withoutRing };
}

/** As much of the page's types as is needed there. */
interface Control {
  outerHTML: string;
  closest(selector: string): Control | null;
  contains(other: Control): boolean;
  checkVisibility(options: object): boolean;
}
type StyleOf = (element: Control) => { outlineStyle: string; borderTopColor: string };
interface Document {
  body: Control;
  activeElement: Control | null;
  hasFocus(): boolean;
  querySelectorAll(selector: string): Iterable<Control>;
  addEventListener(type: 'focusin', listener: (event: { target: Control }) => void): void;
}
