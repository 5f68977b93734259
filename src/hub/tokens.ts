import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Database, Sql } from './database.ts';
import { TOKENS_CHANNEL } from './notifications.ts';

/** Who a token stands for. The token itself is in nothing that is made of it, such as a log line. */
export class Identity {
  readonly tokenId: string;
  readonly workspaceId: string;
  readonly userId: string;
  readonly #secret: string;

  constructor(tokenId: string, workspaceId: string, userId: string, secret: string) {
    this.tokenId = tokenId;
    this.workspaceId = workspaceId;
    this.userId = userId;
    this.#secret = secret;
  }

  /** What shows the database that this is so. */
  get proof(): string {
    return `${this.tokenId}_${this.#secret}`;
  }
}

/** Who may read and write in a workspace. */
export type Member = Pick<Identity, 'workspaceId' | 'proof'>;

/** A token as `devchat hub token list` shows it, which is without its secret. Times are Unix milliseconds. */
export interface TokenRecord {
  id: string;
  workspace: string;
  user: string;
  createdAt: number;
  revokedAt: number | null;
}

const FORMAT = /^devchat_(?<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_(?<secret>[\w-]{43})$/u;

/** Compared with when there is no such token, so that this takes as long. */
const NOBODY = Buffer.alloc(32);

/**
 * Who sent a token; undefined when it is none, or revoked. Only the hash of a secret is stored: it is random, so a plain
 * hash cannot be turned back.
 */
export async function authenticate(database: Database, token: string): Promise<Identity | undefined> {
  const { id = '', secret = '' } = FORMAT.exec(token)?.groups ?? {};
  if (id === '') return undefined;
  const { rows } = await database.query('SELECT secret_hash, workspace_id, user_id FROM find_token($1)', [id]);
  const [found] = rows;
  const matches = timingSafeEqual(hash(secret), found?.secret_hash ?? NOBODY);
  return matches && found ? new Identity(id, found.workspace_id, found.user_id, secret) : undefined;
}

/** Those of the tokens that are not valid any more. */
export async function revokedOf(database: Database, tokenIds: readonly string[]): Promise<string[]> {
  const { rows } = await database.query(
    'SELECT id FROM unnest($1::uuid[]) AS id WHERE NOT EXISTS (SELECT FROM find_token(id))',
    [tokenIds],
  );
  return rows.map(({ id }) => id);
}

/**
 * Makes a token, and the workspace if there is none of that name; for the owner.
 * @returns the token, which is told only this once
 */
export async function createToken(sql: Sql, workspace: string, user: string): Promise<string> {
  const { rows } = await sql.query(
    `INSERT INTO workspaces(id, name) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id`,
    [randomUUID(), workspace],
  );
  const id = randomUUID();
  const secret = randomBytes(32).toString('base64url');
  await sql.query('INSERT INTO tokens(id, workspace_id, user_id, secret_hash) VALUES ($1, $2, $3, $4)', [
    id,
    rows[0].id,
    user,
    hash(secret),
  ]);
  return `devchat_${id}_${secret}`;
}

/** All tokens, revoked ones included, newest first; for the owner. */
export async function listTokens(sql: Sql): Promise<TokenRecord[]> {
  const { rows } = await sql.query(
    `SELECT t.id, w.name AS workspace, t.user_id AS "user", t.created_at, t.revoked_at
     FROM tokens t JOIN workspaces w ON w.id = t.workspace_id ORDER BY t.created_at DESC, t.id`,
  );
  return rows.map(({ created_at, revoked_at, ...row }) => ({
    ...row,
    createdAt: created_at.getTime(),
    revokedAt: revoked_at?.getTime() ?? null,
  }));
}

/**
 * Makes a token invalid and ends its sessions on every hub; for the owner.
 * @returns whether there was such a token
 */
export async function revokeToken(sql: Sql, id: string): Promise<boolean> {
  const { rowCount } = await sql.query('UPDATE tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1', [
    id,
  ]);
  await sql.query('SELECT pg_notify($1, $2)', [TOKENS_CHANNEL, id]);
  return rowCount === 1;
}

function hash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
