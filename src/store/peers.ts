import type { Database } from './database.ts';

/** How to reach an instance on this database. */
export interface PeerRecord {
  instanceId: string;
  /** Path of a Unix socket, or name of a Windows pipe. */
  endpoint: string;
  pid: number;
  editor: string;
  version: string;
  startedAt: number;
}

/** All registered instances; some may have died without a word. */
export function listPeers(db: Database): PeerRecord[] {
  return db.read(
    () =>
      db
        .sql('SELECT instance_id AS instanceId, endpoint, pid, editor, version, started_at AS startedAt FROM peers')
        .all() as PeerRecord[],
  );
}

export function registerPeer(db: Database, peer: PeerRecord): Promise<void> {
  return db.write(() => {
    db.sql(`INSERT OR REPLACE INTO peers VALUES (:instanceId, :endpoint, :pid, :editor, :version, :startedAt)`).run(
      peer,
    );
  });
}

export function removePeer(db: Database, instanceId: string): Promise<void> {
  return db.write(() => {
    db.sql('DELETE FROM peers WHERE instance_id = ?').run(instanceId);
  });
}

/** The secret by which instances on this database know each other; it never leaves the machine. */
export function peerSecret(db: Database): string {
  return String(db.sql(`SELECT value FROM meta WHERE key = 'peer_secret'`).pluck().get());
}
