import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { usePanel } from './context.ts';
import { renderMarkdown } from './markdown.ts';
import { setWideTabIndex } from './roving.ts';

/** A message's text; links open through the extension host. */
export function MessageBody({ text }: { text: string }) {
  const { api, report } = usePanel();
  const body = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    body.current?.replaceChildren(renderMarkdown(text));
    if (body.current) setWideTabIndex(body.current, -1);
  }, [text]);

  useEffect(() => {
    const openLink = (event: MouseEvent) => {
      const link = event.target instanceof Element && event.target.closest('a');
      if (!link) return;
      event.preventDefault();
      // The editor's own listener further up would open the link a second time.
      event.stopPropagation();
      api.request('openLink', { url: link.href }).catch(report);
    };
    body.current?.addEventListener('click', openLink);
    body.current?.addEventListener('auxclick', openLink);
  }, []);
  return <div ref={body} class="body" dir="auto" />;
}
