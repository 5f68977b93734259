import type { MarkdownIt, StateCore, Token } from 'markdown-it';

const MARK = /^\[([ xX])\]\s+/;

/** Shows the items of a task list with checkboxes that cannot be changed, each labelled by its text. */
export function addTasks(markdown: MarkdownIt): void {
  markdown.core.ruler.push('tasks', (state) => {
    state.tokens.forEach((token, index) => {
      const inline = state.tokens[index + 2];
      if (token.type === 'list_item_open' && inline?.type === 'inline') toTask(state, token, inline);
    });
  });
}

function toTask(state: StateCore, item: Token, { children }: Token): void {
  const text = children?.[0];
  const mark = text?.type === 'text' ? MARK.exec(text.content) : null;
  if (!children || !text || !mark) return;
  text.content = text.content.slice(mark[0].length);
  const box = new state.Token('task', 'input', 0);
  box.attrs = [
    ['type', 'checkbox'],
    ['disabled', ''],
    ...(mark[1] === ' ' ? [] : [['checked', ''] as [string, string]]),
  ];
  children.unshift(new state.Token('label_open', 'label', 1), box);
  children.push(new state.Token('label_close', 'label', -1));
  item.attrJoin('class', 'task');
}
