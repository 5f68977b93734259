// One side of one contender, in a process of its own, driven by the bench.
import { type ContenderName, contenders } from './contenders.ts';
import { type Command, type Contender, now, type Report } from './messages.ts';

const name = process.argv[2] as ContenderName;
let contender: Contender | undefined;

const report = (message: Report) => process.send?.(message);

process.on('message', async (command: Command) => {
  if (command.type === 'open') {
    const applied = (index: number) => report({ type: 'applied', index, at: now() });
    contender = await contenders[name](command.path, command.role, applied);
    report({ type: 'opened' });
  } else if (command.type === 'write') {
    await contender?.write?.(command.index);
    const at = now();
    contender?.tell?.();
    report({ type: 'committed', index: command.index, at });
  } else if (command.type === 'close') {
    await contender?.close();
    process.disconnect();
  }
});
