import { usePanel } from './context.ts';
import { fill } from './strings.ts';

/** Says quietly that the conversation is on screen elsewhere, too. */
export function OtherWindows() {
  const { view, strings } = usePanel();
  const count = view.value?.otherWindows ?? 0;
  return count === 0 ? null : <span class="elsewhere">{fill(strings.inWindows, count + 1)}</span>;
}
