import { usePanel } from './context.ts';
import { ResyncIcon } from './icons.tsx';
import { useDelayed } from './useDelayed.ts';

const FLICKER_MS = 150;
const USUAL_START_MS = 400;

/** A thin moving line while messages are being fetched. */
export function Syncing() {
  const { timeline, strings } = usePanel();
  const shown = useDelayed(timeline.value?.isFetching.value ?? false, FLICKER_MS);
  return shown ? <div class="progress" role="status" aria-label={strings.syncing} /> : null;
}

/** Looks for missing messages, once the conversation is there to be looked at. */
export function Resync() {
  const panel = usePanel();
  const { view, timeline, isResyncing, strings } = panel;
  if (view.value?.connection !== 'ready') return null;
  return (
    <button
      type="button"
      class="icon"
      aria-label={strings.resync}
      title={strings.resync}
      disabled={isResyncing.value || timeline.value?.isFetching.value}
      onClick={() => panel.resync()}
    >
      <ResyncIcon />
    </button>
  );
}

/** Says that the history is not reachable yet, or why it is not, or cannot be written. */
export function ConnectionBanner() {
  const { view, strings, api, report } = usePanel();
  const connection = view.value?.connection ?? 'starting';
  const shown = useDelayed(connection === 'starting' || connection === 'restarting', USUAL_START_MS);
  if (connection === 'failed') {
    const run = (command: 'devchat.restart' | 'devchat.showLog') =>
      api.request('runCommand', { command }).catch(report);
    return (
      <div class="banner problem" role="alert">
        <span class="text">{view.value?.problem ?? strings.failed}</span>
        <button type="button" class="secondary" onClick={() => run('devchat.restart')}>
          {strings.tryAgain}
        </button>
        <button type="button" class="secondary" onClick={() => run('devchat.showLog')}>
          {strings.showLog}
        </button>
      </div>
    );
  }
  if (view.value?.readOnly) {
    return (
      <div class="banner problem" role="alert">
        <span class="text">
          {strings.readOnly} {view.value.readOnly}
        </span>
      </div>
    );
  }
  if (!shown) return null;
  const text = connection === 'starting' ? strings.connecting : strings.restarting;
  return (
    <div class="banner" role="status" aria-label={text}>
      {text}
    </div>
  );
}
