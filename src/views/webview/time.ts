const timeOnly = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const inFull = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

/** A moment as short as it can be understood: without its date if it is today's. */
export function formatTime(ms: number): string {
  const isToday = new Date(ms).toDateString() === new Date().toDateString();
  return (isToday ? timeOnly : dateAndTime).format(ms);
}

/** A moment with everything that is known about it. */
export function formatTimeInFull(ms: number): string {
  return inFull.format(ms);
}
