type Task = () => void | Promise<void>;

const tasks: Task[] = [];

/** Does something when the panel has nothing better to do; what was asked for last, which the reader sees, comes first. */
export function whenIdle(task: Task): void {
  tasks.push(task);
  if (tasks.length === 1) schedule();
}

async function run(hasTime: () => boolean): Promise<void> {
  // The task stays in the list until it has ended, so that there is one at a time.
  const task = tasks.at(-1);
  try {
    await task?.();
  } finally {
    tasks.splice(tasks.indexOf(task as Task), 1);
    if (tasks.length > 0 && hasTime()) void run(hasTime);
    else if (tasks.length > 0) schedule();
  }
}

function schedule(): void {
  // Safari has no idle callbacks.
  if ('requestIdleCallback' in globalThis)
    requestIdleCallback((deadline) => void run(() => deadline.timeRemaining() > 0));
  else setTimeout(() => void run(() => false));
}
