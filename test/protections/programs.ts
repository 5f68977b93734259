import { once } from 'node:events';
import { ProcessTree } from '../../scripts/lib/processTree.mjs';

/** How long one program may take, in ms; without a protection it may never end. */
const LIMIT = 180_000;

/** How a program ended. */
export interface Run {
  /** Null when it was killed, for example because it took too long. */
  code: number | null;
  output: string;
}

/** Runs Node.js to its end, and ends whatever it leaves behind. */
export async function runNode(cwd: string, nodeArguments: readonly string[]): Promise<Run> {
  const tree = new ProcessTree(process.execPath, [...nodeArguments], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const { child } = tree;
  const closed = once(child, 'close');
  let output = '';
  const read = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout?.on('data', read);
  child.stderr?.on('data', read);
  const timer = setTimeout(() => tree.signal('SIGKILL'), LIMIT);
  await tree.exited;
  clearTimeout(timer);
  await tree.stop();
  await closed;
  return { code: child.exitCode, output };
}
