import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { usePanel } from './context.ts';
import { beginningOf, isLong } from './longText.ts';
import { MarkdownView } from './markdown/markdownView.ts';
import { fill } from './strings.ts';

interface MessageBodyProps {
  text: string;
  /** More text is on its way. */
  isGrowing?: boolean;
}

/** A text as Markdown, of a long one the beginning until all is wanted; links open through the extension host. */
export function MessageBody({ text, isGrowing = false }: MessageBodyProps) {
  const { api, codeActions, strings, report } = usePanel();
  const body = useRef<HTMLDivElement>(null);
  const view = useRef<MarkdownView>(null);
  // What was read while it was written is not folded under the reader's eyes.
  const [isFolded, setFolded] = useState(() => !isGrowing && isLong(text));
  useLayoutEffect(() => {
    if (!body.current) return;
    view.current ??= new MarkdownView(body.current, codeActions);
    view.current.show(isFolded ? beginningOf(text) : text, isGrowing);
  }, [text, isGrowing, isFolded]);

  useEffect(() => {
    const openLink = (event: MouseEvent) => {
      const link = event.target instanceof Element && event.target.closest<HTMLAnchorElement>('a[href]');
      if (!link) return;
      event.preventDefault();
      // The editor's own listener further up would open the link a second time.
      event.stopPropagation();
      api.request('openLink', { url: link.href, text: link.textContent }).catch(report);
    };
    body.current?.addEventListener('click', openLink);
    body.current?.addEventListener('auxclick', openLink);
  }, []);
  return (
    <>
      <div ref={body} class={isFolded ? 'body folded' : 'body'} dir="auto" />
      {isFolded && (
        <button type="button" class="secondary showAll" onClick={() => setFolded(false)}>
          {fill(strings.showAll, text.length.toLocaleString())}
        </button>
      )}
    </>
  );
}
