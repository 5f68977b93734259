import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Cleanup = () => unknown;

/** A directory that exists while one test runs. */
export interface TempDirectory {
  readonly path: string;
  /** Has something done after the test, before the directory goes; what was asked for last is done first. */
  defer(cleanup: Cleanup): void;
}

/** Gives every test of the enclosing suite an empty directory of its own, its path short enough for sockets. */
export function useTempDirectory(): TempDirectory {
  const cleanups: Cleanup[] = [];
  const directory = { path: '', defer: (cleanup: Cleanup) => void cleanups.push(cleanup) };
  beforeEach(() => {
    // The temporary directory of macOS is too deep for the path of a socket.
    const base = process.platform === 'win32' ? tmpdir() : '/tmp';
    directory.path = realpathSync(mkdtempSync(join(base, 'devchat-test-')));
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    rmSync(directory.path, { recursive: true, force: true });
  });
  return directory;
}

/** Sets environment variables for every test of the enclosing suite and puts the old ones back. */
export function useEnvironment(variables: () => Record<string, string>): void {
  const before = new Map<string, string | undefined>();
  beforeEach(() => {
    for (const [name, value] of Object.entries(variables())) {
      before.set(name, process.env[name]);
      process.env[name] = value;
    }
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    before.clear();
  });
}

/** The variables that keep sockets and data of a program inside a directory. */
export function environmentIn(directory: TempDirectory): Record<string, string> {
  return {
    XDG_RUNTIME_DIR: join(directory.path, 'run'),
    DEVCHAT_HOME: join(directory.path, 'home'),
  };
}
