/** Number of the newest schema this program knows; also what it compares `min_reader` and `min_writer` with. */
export const SCHEMA_VERSION = 6;

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
  // Agent transcripts. Keys are hashes of what the agent calls a message; see ingest/identity.
  `
  CREATE TABLE ingest_files(
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    device TEXT NOT NULL,
    inode TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    tail TEXT NOT NULL,
    state TEXT NOT NULL,
    found INTEGER NOT NULL DEFAULT 0,
    stored INTEGER NOT NULL DEFAULT 0,
    duplicates INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    bookkeeping INTEGER NOT NULL DEFAULT 0,
    conflicts INTEGER NOT NULL DEFAULT 0,
    redacted INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE ingest_sessions(
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    conversation_id TEXT REFERENCES conversations(id),
    title TEXT NOT NULL,
    title_rank INTEGER NOT NULL,
    PRIMARY KEY(source, external_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE ingest_messages(
    key TEXT PRIMARY KEY,
    message_id TEXT NOT NULL REFERENCES messages(id),
    pieces TEXT NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE memberships(
    conversation_id TEXT NOT NULL REFERENCES conversations(id),
    message_id TEXT NOT NULL REFERENCES messages(id),
    after_seq INTEGER NOT NULL,
    UNIQUE(conversation_id, message_id)
  ) STRICT;

  CREATE TABLE usage(
    key TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversations(id),
    message_id TEXT REFERENCES messages(id),
    model TEXT,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE blobs(
    hash TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    content BLOB
  ) STRICT;

  CREATE TABLE ingest_quarantine(
    file_id INTEGER NOT NULL REFERENCES ingest_files(id),
    position INTEGER NOT NULL,
    reason TEXT NOT NULL,
    size INTEGER NOT NULL,
    beginning TEXT NOT NULL,
    PRIMARY KEY(file_id, position)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE ingest_unknown(
    key TEXT PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES ingest_files(id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    raw TEXT
  ) STRICT;
  CREATE INDEX ingest_unknown_by_kind ON ingest_unknown(kind);

  CREATE TABLE ingest_log(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file TEXT NOT NULL,
    from_position INTEGER NOT NULL,
    to_position INTEGER NOT NULL,
    found INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  `,
  // Order among conversations. What was there before it was counted whether it was read counts as read.
  `
  ALTER TABLE conversations ADD COLUMN pinned_at INTEGER;
  ALTER TABLE conversations ADD COLUMN archived_at INTEGER;
  ALTER TABLE conversations ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE conversations ADD COLUMN parent_id TEXT;
  ALTER TABLE conversations ADD COLUMN branched_from INTEGER;
  ALTER TABLE conversations ADD COLUMN purged_at INTEGER;
  UPDATE conversations SET last_read_seq = last_seq, revision = revision + 1 WHERE last_read_seq < last_seq;

  CREATE INDEX messages_deleted ON messages(conversation_id, seq) WHERE deleted_at IS NOT NULL;
  CREATE INDEX change_log_titles ON change_log(conversation_id) WHERE new_title IS NOT NULL;

  CREATE TABLE blob_uses(
    message_id TEXT NOT NULL REFERENCES messages(id),
    hash TEXT NOT NULL,
    PRIMARY KEY(message_id, hash)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blob_uses_by_hash ON blob_uses(hash);
  INSERT OR IGNORE INTO blob_uses(message_id, hash)
    SELECT m.id, part.value ->> 'hash' FROM messages m, json_each(iif(json_valid(m.parts, 8), m.parts, '[]')) part
    WHERE part.type = 'object' AND part.value ->> 'hash' IN (SELECT hash FROM blobs);
  `,
  // Where agents' sessions took place; and conversations that are shared through a hub.
  `
  ALTER TABLE ingest_sessions ADD COLUMN cwd TEXT;
  ALTER TABLE ingest_sessions ADD COLUMN branch TEXT;
  ALTER TABLE ingest_sessions ADD COLUMN model TEXT;
  CREATE INDEX usage_by_conversation ON usage(conversation_id);

  -- What the hub has of shared conversations, and what is still to be told to it.
  CREATE TABLE hub_link(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    client_id TEXT NOT NULL,
    workspace_id TEXT,
    epoch TEXT,
    cursor INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE hub_entities(
    id TEXT PRIMARY KEY,
    revision_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE hub_outbox(
    position INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    base_revision TEXT,
    base_body TEXT,
    sent_revision TEXT,
    sent_body TEXT,
    problem TEXT
  ) STRICT;
  CREATE INDEX hub_outbox_order ON hub_outbox(type, position) WHERE problem IS NULL;
  CREATE INDEX messages_unnumbered ON messages(conversation_id, row_id) WHERE seq IS NULL;
  `,
  // Segments of the index that are merged at once: with 4, as usual, taking in whole histories spends a quarter of its time
  // on merging.
  `INSERT INTO message_index(message_index, rank) VALUES ('automerge', 8);`,
  // Rows in the order in which they come: in that of their keys, which are hashes, a transaction would write nearly as many
  // pages as it has rows, and that was more than half of what reading histories wrote.
  `
  CREATE TABLE ingest_messages_in_order(
    key TEXT NOT NULL UNIQUE,
    message_id TEXT NOT NULL REFERENCES messages(id),
    pieces TEXT NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT;
  INSERT INTO ingest_messages_in_order SELECT key, message_id, pieces, revision FROM ingest_messages ORDER BY message_id;
  DROP TABLE ingest_messages;
  ALTER TABLE ingest_messages_in_order RENAME TO ingest_messages;

  CREATE TABLE usage_in_order(
    key TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations(id),
    message_id TEXT REFERENCES messages(id),
    model TEXT,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  INSERT INTO usage_in_order SELECT * FROM usage ORDER BY created_at;
  DROP TABLE usage;
  ALTER TABLE usage_in_order RENAME TO usage;
  CREATE INDEX usage_by_conversation ON usage(conversation_id);
  `,
];
