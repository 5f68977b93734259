/** Number of the newest schema this program knows; also what it compares `min_reader` and `min_writer` with. */
export const SCHEMA_VERSION = 1;

/** Marks a file as a chat database in the header of SQLite's format: “DevC” in ASCII. */
export const APPLICATION_ID = 0x44657643;

/**
 * What brings a database from schema `index` to `index + 1`. Additive only: an older program keeps reading.
 * `seq` may become NULL for messages that wait for a number from upstream, hence no NOT NULL.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

  CREATE TABLE conversations(
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    external_id TEXT,
    authority TEXT NOT NULL DEFAULT 'local',
    last_seq INTEGER NOT NULL DEFAULT 0,
    last_read_seq INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    UNIQUE(source, external_id)
  ) STRICT;

  CREATE TABLE messages(
    row_id INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations(id),
    seq INTEGER,
    role TEXT NOT NULL,
    author TEXT,
    content TEXT NOT NULL,
    parts BLOB,
    status TEXT NOT NULL,
    model TEXT,
    revision INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    UNIQUE(conversation_id, seq)
  ) STRICT;

  CREATE TABLE change_log(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    txn INTEGER NOT NULL,
    change_type TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    message_id TEXT,
    seq INTEGER,
    new_title TEXT,
    patch BLOB,
    revision INTEGER NOT NULL,
    origin_instance_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE chat_sync_state(
    conversation_id TEXT PRIMARY KEY REFERENCES conversations(id),
    local_min_seq INTEGER,
    local_max_seq INTEGER,
    message_count INTEGER NOT NULL DEFAULT 0,
    last_known_backend_seq INTEGER,
    sync_state TEXT NOT NULL DEFAULT 'UNKNOWN' CHECK (sync_state IN ('UNKNOWN', 'SYNCED', 'OUT_OF_SYNC')),
    last_validated_at INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE peers(
    instance_id TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    pid INTEGER NOT NULL,
    editor TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE streams(
    message_id TEXT PRIMARY KEY REFERENCES messages(id),
    instance_id TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leader(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    instance_id TEXT NOT NULL,
    epoch INTEGER NOT NULL
  ) STRICT;

  CREATE VIRTUAL TABLE message_index USING fts5(
    content, content='messages', content_rowid='row_id', tokenize="unicode61 remove_diacritics 2 tokenchars '_'"
  );
  CREATE TRIGGER message_index_insert AFTER INSERT ON messages BEGIN
    INSERT INTO message_index(rowid, content) VALUES (new.row_id, new.content);
  END;
  CREATE TRIGGER message_index_update AFTER UPDATE OF content ON messages BEGIN
    INSERT INTO message_index(message_index, rowid, content) VALUES ('delete', old.row_id, old.content);
    INSERT INTO message_index(rowid, content) VALUES (new.row_id, new.content);
  END;
  `,
];
