import { usePanel } from './context.ts';
import { CloseIcon } from './icons.tsx';
import type { Notice } from './noticeList.ts';

/** What the reader should know now, each until dismissed. */
export function Notices() {
  return usePanel().notices.all.value.map((notice) => <NoticeBar key={notice.key} notice={notice} />);
}

function NoticeBar({ notice }: { notice: Notice }) {
  const panel = usePanel();
  const { strings } = panel;
  const restore = async (conversationId: string) => {
    try {
      await panel.api.request('runCommand', { command: 'devchat.restoreConversation', conversationId });
      panel.notices.dismiss(notice);
    } catch (error) {
      panel.report(error);
    }
  };
  const { restorable } = notice;
  return (
    <div class="banner notice" role="alert">
      <span class="text">{notice.text}</span>
      {restorable !== null && (
        <button type="button" class="secondary" onClick={() => restore(restorable)}>
          {strings.restore}
        </button>
      )}
      <button
        type="button"
        class="icon"
        aria-label={strings.dismiss}
        title={strings.dismiss}
        onClick={() => panel.notices.dismiss(notice)}
      >
        <CloseIcon />
      </button>
    </div>
  );
}
