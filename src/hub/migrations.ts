/** One step of the schema, both ways. The newest may be undone while the hub stands still. */
export interface Migration {
  up: string;
  down: string;
}

/**
 * The role as which the hub works: it owns nothing and cannot log in, so row-level security binds it. It outlives
 * `down`, because other databases of the server may use it too.
 */
export const HUB_ROLE = 'devchat_hub';

/** Rows of the workspace that the transaction has named; until the fourth step. */
const OWN = `workspace_id = nullif(current_setting('devchat.workspace', true), '')::uuid`;

/**
 * Row-level security that binds the owner too: the hub sees one workspace, and everyone else who owns the table sees
 * nothing.
 */
function isolate(table: string, own = OWN): string {
  return `
  ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;
  ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;
  CREATE POLICY own_workspace ON ${table} TO ${HUB_ROLE} USING (${own}) WITH CHECK (${own});`;
}

/** Lets the owner, who gives tokens out, see all rows of a table without texts. */
function administer(table: string): string {
  return `CREATE POLICY administration ON ${table} TO CURRENT_USER USING (true) WITH CHECK (true);`;
}

/** What leads from version `index` to `index + 1`, and back. */
export const migrations: readonly Migration[] = [
  {
    up: `
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${HUB_ROLE}') THEN
        CREATE ROLE ${HUB_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
      END IF;
    END $$;

    -- The row is the counter of its workspace: who holds it gives out the next numbers, and commits before the next one.
    CREATE TABLE workspaces(
      id uuid PRIMARY KEY,
      name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
      last_sequence bigint NOT NULL DEFAULT 0,
      pruned_through bigint NOT NULL DEFAULT 0,
      created_at timestamptz NOT NULL DEFAULT now()
    ) WITH (fillfactor = 50);
    ${isolate('workspaces', OWN.replace('workspace_id', 'id'))}
    ${administer('workspaces')}
    GRANT SELECT, UPDATE (last_sequence, pruned_through) ON workspaces TO ${HUB_ROLE};

    CREATE TABLE tokens(
      id uuid PRIMARY KEY,
      workspace_id uuid NOT NULL REFERENCES workspaces(id) ON DELETE CASCADE,
      user_id text NOT NULL CHECK (length(user_id) BETWEEN 1 AND 100),
      secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
      created_at timestamptz NOT NULL DEFAULT now(),
      revoked_at timestamptz
    );
    ALTER TABLE tokens ENABLE ROW LEVEL SECURITY;
    ALTER TABLE tokens FORCE ROW LEVEL SECURITY;
    ${administer('tokens')}

    -- All that the hub may know of tokens, and only of one whose id it was shown.
    CREATE FUNCTION find_token(token_id uuid, OUT secret_hash bytea, OUT workspace_id uuid, OUT user_id text)
    RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT AS
      $$ SELECT t.secret_hash, t.workspace_id, t.user_id FROM tokens t
         WHERE t.id = token_id AND t.revoked_at IS NULL $$;
    REVOKE ALL ON FUNCTION find_token(uuid) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION find_token(uuid) TO ${HUB_ROLE};`,
    down: 'DROP FUNCTION find_token(uuid); DROP TABLE tokens; DROP TABLE workspaces;',
  },
  {
    up: `
    -- Of the revisions, the last is the present one; an edit may be made to each, as those after the first only added
    -- alternatives.
    CREATE TABLE conversations(
      workspace_id uuid NOT NULL REFERENCES workspaces(id) ON DELETE CASCADE,
      id uuid NOT NULL,
      body jsonb NOT NULL,
      revisions uuid[] NOT NULL,
      last_message_sequence bigint NOT NULL DEFAULT 0,
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (workspace_id, id)
    );
    ${isolate('conversations')}
    GRANT SELECT, INSERT, UPDATE ON conversations TO ${HUB_ROLE};

    CREATE TABLE messages(
      workspace_id uuid NOT NULL,
      id uuid NOT NULL,
      conversation_id uuid NOT NULL,
      sequence bigint NOT NULL,
      body jsonb NOT NULL,
      revisions uuid[] NOT NULL,
      size integer NOT NULL,
      updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (workspace_id, id),
      UNIQUE (workspace_id, conversation_id, sequence),
      FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations ON DELETE CASCADE
    );
    ${isolate('messages')}
    GRANT SELECT, INSERT, UPDATE ON messages TO ${HUB_ROLE};

    -- push_end is the last sequence of the same push: a page ends there.
    CREATE TABLE change_events(
      workspace_id uuid NOT NULL REFERENCES workspaces(id) ON DELETE CASCADE,
      sequence bigint NOT NULL,
      entity_type text NOT NULL CHECK (entity_type IN ('conversation', 'message')),
      entity_id uuid NOT NULL,
      user_id text NOT NULL,
      event_type text NOT NULL CHECK (event_type IN ('create', 'update', 'delete')),
      revision_id uuid NOT NULL,
      json_patch jsonb NOT NULL,
      push_end bigint NOT NULL,
      size integer NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (workspace_id, sequence),
      UNIQUE (workspace_id, revision_id)
    );
    ${isolate('change_events')}
    GRANT SELECT, INSERT, DELETE ON change_events TO ${HUB_ROLE};`,
    down: 'DROP TABLE change_events; DROP TABLE messages; DROP TABLE conversations;',
  },
  {
    up: `
    -- Up to where each replica has stored what it pulled.
    CREATE TABLE cursors(
      workspace_id uuid NOT NULL REFERENCES workspaces(id) ON DELETE CASCADE,
      client_id uuid NOT NULL,
      acknowledged bigint NOT NULL,
      seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      PRIMARY KEY (workspace_id, client_id)
    );
    ${isolate('cursors')}
    GRANT SELECT, INSERT, UPDATE, DELETE ON cursors TO ${HUB_ROLE};
    CREATE INDEX change_events_by_age ON change_events(workspace_id, created_at);

    -- Names this very copy of the data: a restored backup, a copied database or a rewound server has another one.
    CREATE FUNCTION hub_epoch() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path FROM CURRENT AS
      $$ SELECT concat_ws('-', (SELECT system_identifier FROM pg_control_system()),
                (SELECT timeline_id FROM pg_control_checkpoint()),
                (SELECT oid FROM pg_database WHERE datname = current_database()),
                'workspaces'::regclass::oid) $$;
    REVOKE ALL ON FUNCTION hub_epoch() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION hub_epoch() TO ${HUB_ROLE};`,
    down: 'DROP FUNCTION hub_epoch(); DROP INDEX change_events_by_age; DROP TABLE cursors;',
  },
  {
    up: `
    -- The workspace of the token that the transaction has shown: no other one can be named by whoever has none of its own.
    CREATE FUNCTION own_workspace() RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path FROM CURRENT AS
      $$ SELECT t.workspace_id FROM tokens t, nullif(current_setting('devchat.token', true), '') AS token
         WHERE t.id = left(token, 36)::uuid AND t.revoked_at IS NULL
           AND t.secret_hash = sha256(convert_to(substr(token, 38), 'UTF8')) $$;
    REVOKE ALL ON FUNCTION own_workspace() FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION own_workspace() TO ${HUB_ROLE};
    ${decideBy('workspace_id = (SELECT own_workspace())')}`,
    down: `${decideBy(OWN)} DROP FUNCTION own_workspace();`,
  },
];

/** Has another condition decide which rows the hub sees. */
function decideBy(own: string): string {
  const tables = { workspaces: 'id', conversations: '', messages: '', change_events: '', cursors: '' };
  return Object.entries(tables)
    .map(([table, column]) => {
      const condition = column === '' ? own : own.replace('workspace_id', column);
      return `ALTER POLICY own_workspace ON ${table} USING (${condition}) WITH CHECK (${condition});`;
    })
    .join('\n');
}
