import { type BigIntStats, realpathSync, statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { IngestSettings, Source } from '../protocol/ingest.ts';
import type { IngestFile } from '../store/ingestFiles.ts';
import { currentMounts, networkTypeOf } from '../store/mounts.ts';
import { systemClock, turn } from '../sync/clock.ts';
import type { Adapter } from './adapter.ts';
import { adapters } from './adapters.ts';

/** A directory in which an agent keeps its transcripts. */
export interface Root {
  adapter: Adapter;
  path: string;
  /** Whether it is on another machine, whose changes nothing tells, and which may take its time. */
  isRemote: boolean;
}

/** A directory in which transcripts may be. */
export interface Directory {
  root: Root;
  /** Absolute, with links resolved. */
  path: string;
  /** As the adapter knows it: the names that lead to it from the root, between slashes; empty for the root. */
  way: string;
}

/** Files looked at in one go on a disk of this machine: less than a millisecond. */
const RUN = 100;

/** A transcript as its directory shows it, with the time of its last change. */
export type FoundFile = Pick<IngestFile, 'path' | 'source' | 'device' | 'inode' | 'size' | 'modifiedAt'>;

/** The directories to look into: those of the agents that are switched on, and those that the user has added. */
export function rootsOf(settings: IngestSettings, home: string, env: NodeJS.ProcessEnv): Root[] {
  const mounts = currentMounts();
  const own = settings.sources.flatMap((source) => adapters[source].roots(home, env).map((path) => ({ source, path })));
  return [...own, ...settings.directories].map(({ source, path: named }) => {
    const path = canonical(named);
    return { adapter: adapters[source], path, isRemote: networkTypeOf(path, mounts) !== undefined };
  });
}

/** The directory that a root is. */
export function topOf(root: Root): Directory {
  return { root, path: root.path, way: '' };
}

/** An absolute path with its links resolved, as far as it exists. */
export function canonical(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(resolve(path));
    return parent === resolve(path) ? parent : join(canonical(parent), basename(path));
  }
}

/**
 * The transcripts in a directory and below. A link is followed once; a file that is there in plain form too is left out
 * compressed.
 * @param visit told of every directory in which transcripts may be, before it is read
 */
export async function findTranscripts(
  directory: Directory,
  folders: readonly string[],
  visit: (directory: Directory) => void = () => undefined,
): Promise<FoundFile[]> {
  const { adapter, isRemote } = directory.root;
  const files: FoundFile[] = [];
  for (const [index, path] of (await transcriptPaths(directory, folders, visit)).entries()) {
    if (index % RUN === RUN - 1) await turn(systemClock);
    // On a disk of this machine, waiting for a thread takes many times as long as looking.
    files.push(...(isRemote ? await look(path, adapter.source) : lookAtOnce(path, adapter.source)));
  }
  const paths = new Set(files.map(({ path }) => path));
  return files.filter(({ path }) => !path.endsWith('.zst') || !paths.has(path.slice(0, -'.zst'.length)));
}

/** Where the transcripts in a directory and below are, with links resolved. */
async function transcriptPaths(
  { root, path: top, way: topWay }: Directory,
  folders: readonly string[],
  visit: (directory: Directory) => void,
): Promise<string[]> {
  const { adapter } = root;
  const paths: string[] = [];
  const visited = new Set<string>();
  const collect = async (directory: string, way: string) => {
    const real = canonical(directory);
    if (visited.has(real)) return;
    visited.add(real);
    visit({ root, path: real, way });
    // A directory that is not there, or not ours to read, holds nothing for us.
    for (const entry of await readdir(real, { withFileTypes: true }).catch(() => [])) {
      const path = join(real, entry.name);
      const below = wayTo(way, entry.name);
      const target = entry.isSymbolicLink() ? await stat(path).catch(() => entry) : entry;
      if (target.isDirectory()) {
        if (adapter.mayHold(below, folders)) await collect(path, below);
      } else if (adapter.isTranscript(below)) paths.push(target === entry ? path : canonical(path));
    }
  };
  await collect(top, topWay);
  return paths;
}

/** What has a name in a directory, as the adapter knows it. */
export function wayTo(way: string, name: string): string {
  return way === '' ? name : `${way}/${name}`;
}

/** A file as it is now; none when it is gone or no file. */
export async function look(path: string, source: Source): Promise<FoundFile[]> {
  return asFound(canonical(path), source, await stat(path, { bigint: true }).catch(() => undefined));
}

function lookAtOnce(path: string, source: Source): FoundFile[] {
  try {
    return asFound(path, source, statSync(path, { bigint: true, throwIfNoEntry: false }));
  } catch {
    // Not ours to look at.
    return [];
  }
}

function asFound(path: string, source: Source, stats: BigIntStats | undefined): FoundFile[] {
  if (!stats?.isFile()) return [];
  const { dev, ino, size, mtimeMs } = stats;
  const place = { path, source, device: String(dev), inode: String(ino) };
  return [{ ...place, size: Number(size), modifiedAt: Number(mtimeMs) }];
}

/** The linked worktrees of the repositories that the folders are in, as far as their names are on this machine. */
export async function worktreesOf(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(folders.map((folder) => worktreesOfOne(folder)));
  return [...new Set(found.flat())];
}

async function worktreesOfOne(folder: string): Promise<string[]> {
  const gitDirectory = await commonDirectory(folder);
  if (gitDirectory === undefined) return [];
  const names = await readdir(join(gitDirectory, 'worktrees')).catch(() => []);
  const pointers = await Promise.all(
    names.map((name) => readFile(join(gitDirectory, 'worktrees', name, 'gitdir'), 'utf8').catch(() => '')),
  );
  const linked = pointers.filter((pointer) => pointer !== '').map((pointer) => canonical(dirname(pointer.trim())));
  return basename(gitDirectory) === '.git' ? [canonical(dirname(gitDirectory)), ...linked] : linked;
}

/** The `.git` directory that a working tree shares with its siblings. */
async function commonDirectory(folder: string): Promise<string | undefined> {
  const git = join(folder, '.git');
  const pointer = await readFile(git, 'utf8').catch(() => undefined);
  const linked = pointer && /^gitdir: (.+)$/mu.exec(pointer)?.[1];
  if (linked) return resolve(folder, linked, '..', '..');
  return (await stat(git).catch(() => undefined))?.isDirectory() ? git : undefined;
}
