import { usePanel } from './context.ts';
import type { OutboxEntry } from './outbox.ts';
import { useDelayed } from './useDelayed.ts';

const FLICKER_MS = 150;
/** As much of a text as tells which one it is. */
const LONGEST_SHOWN = 2000;

/** What was sent and is not acknowledged yet, below the messages. */
export function Unsent() {
  return (
    <div class="unsent">
      {usePanel().unsent.value.map((entry) => (
        <UnsentEntry key={entry.messageId} entry={entry} />
      ))}
    </div>
  );
}

function UnsentEntry({ entry }: { entry: OutboxEntry }) {
  const panel = usePanel();
  const { strings, outbox, view } = panel;
  const failure = outbox.failures.value.get(entry.messageId);
  const shown = useDelayed(!failure, FLICKER_MS);
  if (!failure && !shown) return null;
  const { content } = entry;
  const takeBack = (
    <button type="button" class="secondary" onClick={() => panel.takeBack(entry)}>
      {strings.edit}
    </button>
  );
  return (
    <div class={failure ? 'message pending failed' : 'message pending'} data-role="user" aria-busy={!failure}>
      <div class="body plain" dir="auto">
        {content.length > LONGEST_SHOWN ? `${content.slice(0, LONGEST_SHOWN)}…` : content}
      </div>
      {failure && (
        <div class="failure" role="alert">
          <p class="outcome">
            <strong>{strings.unsent}</strong> {failure.message}
          </p>
          <div class="actions">
            {takeBack}
            <button type="button" class="primary" onClick={() => outbox.retry(entry)}>
              {strings.retry}
            </button>
          </div>
        </div>
      )}
      {/* Nothing is on its way now, and the text must stay within reach. */}
      {!failure && view.value?.connection === 'failed' && <div class="actions">{takeBack}</div>}
    </div>
  );
}
