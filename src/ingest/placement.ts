import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import type { Adapter, Surroundings } from './adapter.ts';
import { identity } from './identity.ts';
import type { Line } from './lines.ts';
import { recordsIn } from './records.ts';
import type { ReadRequest } from './transcript.ts';

/** How much of a file beside a transcript is read, in bytes. */
const MAX_BESIDE = 65_536;

/** Names a set of folders, in any order. */
export function foldersHash(folders: readonly string[]): string {
  return identity('folders', [...folders].sort().join('\0'));
}

/** Whether a path is a folder or lies inside it; both absolute. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, resolve(path));
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && resolve(folder, way) === resolve(path));
}

/** What is known of a transcript from the files beside it. */
export function surroundingsOf(adapter: Adapter, { path, folders }: ReadRequest): Surroundings {
  const read = (relativePath: string) => beginningOf(resolve(dirname(path), relativePath));
  return adapter.surroundings?.(path, read, folders) ?? {};
}

/** The working directory that a line names first. */
export function cwdIn(adapter: Adapter, { bytes }: Line): string | undefined {
  for (const found of recordsIn(bytes.toString())) {
    const cwd = 'record' in found ? adapter.cwd(found.record) : undefined;
    if (cwd !== undefined) return cwd;
  }
  return undefined;
}

function beginningOf(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const buffer = Buffer.alloc(MAX_BESIDE);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, MAX_BESIDE, 0));
  } catch {
    // It need not exist.
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
