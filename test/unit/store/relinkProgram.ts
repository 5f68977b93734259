// Links a folder with one history after the other, many times over, when told so on standard input, and prints what each
// time was answered: relinkProgram HOME FOLDER ID…
import { once } from 'node:events';
import { relinkWorkspace } from '../../../src/store/catalog.ts';

const [, , home = '', folder = '', ...ids] = process.argv;
process.stdout.write('\n');
await once(process.stdin, 'data');
const results = Array.from({ length: 100 }, () => ids.map((id) => relinkWorkspace(home, folder, id))).flat();
process.stdout.write(JSON.stringify(results), () => process.exit());
