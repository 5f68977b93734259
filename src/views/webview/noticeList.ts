import { signal } from '@preact/signals';
import { v7 as uuid } from 'uuid';

/** Something the reader should know now. */
export interface Notice {
  key: string;
  text: string;
  /** Conversation that can be brought back; null when there is nothing to restore. */
  restorable: string | null;
}

/** What the reader should know now, each until dismissed. */
export class NoticeList {
  readonly all = signal<readonly Notice[]>([]);

  add(text: string, restorable: string | null): void {
    this.all.value = [...this.all.value, { key: uuid(), text, restorable }];
  }

  /** Adds it unless it stands there already. */
  addOnce(text: string): void {
    if (!this.all.value.some((notice) => notice.text === text)) this.add(text, null);
  }

  dismiss(notice: Notice): void {
    this.all.value = this.all.value.filter((other) => other !== notice);
  }
}
