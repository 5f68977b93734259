import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './step.mjs';
import { target } from './target.mjs';

const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The packaged extension of the current target. */
export const packagePath = join(root, 'artifacts', `${name}-${target}-${version}.vsix`);
