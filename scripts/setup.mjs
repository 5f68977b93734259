// Prepares a machine that has only Node 20 and npm. Quick when there is nothing to do.
//   node scripts/setup.mjs [editor | editor-or-desktop] [browser | browser-optional]
import './lib/checkNode.mjs';

const { prepare } = await import('./lib/prepare.mjs');
const { runMain } = await import('./lib/step.mjs');

await runMain(() => prepare(process.argv.slice(2)));
