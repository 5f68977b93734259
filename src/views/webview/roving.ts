/** Only one message is a tab stop; the arrow keys move between messages. */

const ARTICLE = '[role=article]';

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
    setWideTabIndex(stop, -1);
  }
  article.tabIndex = 0;
  setWideTabIndex(article, 0);
}

/** Browsers make every block that scrolls sideways a tab stop; only those of the current message should be. */
export function setWideTabIndex(container: HTMLElement, tabIndex: 0 | -1): void {
  for (const block of container.querySelectorAll<HTMLElement>('pre, table')) block.tabIndex = tabIndex;
}

/** Moves the focus from message to message, as long as a message itself has it. */
export function onRovingKey(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const all = articles(event.currentTarget);
  const index = event.target instanceof HTMLElement ? all.indexOf(event.target) : -1;
  if (index < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const next = { ArrowUp: all[index - 1], ArrowDown: all[index + 1], Home: all[0], End: all.at(-1) }[event.key];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function articles(feed: HTMLElement): HTMLElement[] {
  return [...feed.querySelectorAll<HTMLElement>(ARTICLE)];
}
