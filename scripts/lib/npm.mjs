import { runLogged } from './step.mjs';

const offlineHint =
  'If npm could not reach its registry: check the network, the proxy (npm config get proxy) and the registry (npm config get registry).';

/**
 * Runs npm with its output in the log.
 * @param {string[]} args
 * @param {string} cwd
 */
export async function npm(args, cwd) {
  const env = outerEnvironment();
  const cli = process.env['npm_execpath'];
  if (cli?.endsWith('.js')) {
    // The Node that runs npm itself: ours may lie in the node_modules folder that npm is about to replace.
    const node = process.env['npm_node_execpath'] ?? process.execPath;
    await runLogged(node, [cli, ...args], { cwd, env, hint: offlineHint });
  } else {
    const windows = process.platform === 'win32';
    await runLogged(windows ? 'npm.cmd' : 'npm', args, { cwd, env, shell: windows, hint: offlineHint });
  }
}

/** The environment without what an outer `npm run` added about this package (it would redirect a nested npm). */
function outerEnvironment() {
  const inner = /^npm_(package_|lifecycle_|config_(local_prefix|prefix|global_prefix|noproxy)$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !inner.test(name)));
}
