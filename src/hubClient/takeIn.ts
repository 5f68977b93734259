import type { Database } from '../store/database.ts';
import { type LostEdit, ReplicaUpdate } from '../store/replica/replica.ts';

/** What it takes to take in what the hub has told. */
export interface TakingPorts {
  db: Database;
  /** Writes in one transaction, unless somebody else leads by now. */
  write<T>(body: () => T): Promise<T>;
  /** Edits that were made here have lost against others. */
  lost(edits: readonly LostEdit[]): void;
}

/** Takes in what the hub has told, in one transaction, and says which edits have lost against it. */
export async function takeIn({ db, write, lost }: TakingPorts, work: (update: ReplicaUpdate) => void): Promise<void> {
  const edits = await write(() => {
    const update = new ReplicaUpdate(db);
    work(update);
    update.finish();
    return update.lost;
  });
  if (edits.length > 0) lost(edits);
}
