import { Composer } from './composer.tsx';
import { usePanel } from './context.ts';
import { FindBar } from './findBar.tsx';
import { Notices } from './notices.tsx';
import { Origin } from './origin.tsx';
import { OtherWindows } from './otherWindows.tsx';
import { ConnectionBanner, Resync, Syncing } from './status.tsx';
import { Transcript } from './transcript.tsx';

/** The whole panel: title, what is wrong, the conversation, the composer. */
export function App() {
  const panel = usePanel();
  const conversation = panel.view.value?.conversation;
  const id = panel.currentId.value;
  const title = conversation && (conversation.title || panel.strings.untitled);
  return (
    <div class="panel">
      {title && (
        <header class="title">
          <h1 title={title}>{title}</h1>
          <OtherWindows />
          <Resync />
        </header>
      )}
      <Origin />
      <Syncing />
      <ConnectionBanner />
      <Notices />
      <FindBar />
      <Transcript key={id ?? ''} conversationId={id} timeline={panel.timeline.value} />
      <Composer />
      <div class="visuallyHidden" aria-live="polite">
        {panel.announcement}
      </div>
    </div>
  );
}
