/** Only one message is a tab stop; the arrow keys move between messages. */

const ARTICLE = '[role=article]';
/** What takes Home and End for itself. */
const FIELDS = 'input, textarea';

/** An end of the conversation. */
export type End = 'start' | 'end';

/** Makes the newest message the tab stop of a list that has none. */
export function provideTabStop(feed: HTMLElement): void {
  if (!feed.querySelector(`${ARTICLE}[tabindex="0"]`)) articles(feed).at(-1)?.setAttribute('tabindex', '0');
}

/** Makes the message that has the focus, or contains it, the tab stop. */
export function onRovingFocus(event: FocusEvent & { currentTarget: HTMLElement }): void {
  const article = event.target instanceof Element && event.target.closest<HTMLElement>(ARTICLE);
  if (!article) return;
  for (const stop of event.currentTarget.querySelectorAll<HTMLElement>(`${ARTICLE}[tabindex="0"]`)) {
    stop.tabIndex = -1;
    setInnerTabIndex(stop, -1);
  }
  article.tabIndex = 0;
  setInnerTabIndex(article, 0);
}

/** Whatever unfolds is a tab stop by itself; only those of the current message should be. */
function setInnerTabIndex(article: HTMLElement, tabIndex: 0 | -1): void {
  for (const block of article.querySelectorAll<HTMLElement>('summary, .showAll')) block.tabIndex = tabIndex;
}

/**
 * Moves the focus from message to message, as long as a message itself has it; from anywhere in one, Home and End go
 * to the ends of the conversation.
 */
export function onRovingKey(event: KeyboardEvent & { currentTarget: HTMLElement }, goTo: (end: End) => void): void {
  const { key, target, currentTarget } = event;
  if (!(target instanceof HTMLElement) || target.matches(FIELDS)) return;
  if (event.altKey || event.metaKey || event.shiftKey) return;
  const all = articles(currentTarget);
  const index = event.ctrlKey ? -1 : all.indexOf(target);
  const next = index < 0 ? undefined : { ArrowUp: all[index - 1], ArrowDown: all[index + 1] }[key];
  if (next) next.focus();
  else if (key === 'Home') goTo('start');
  else if (key === 'End') goTo('end');
  else return;
  event.preventDefault();
}

function articles(feed: HTMLElement): HTMLElement[] {
  return [...feed.querySelectorAll<HTMLElement>(ARTICLE)];
}
