export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Writes one line of the log; a component binds its own prefix. No message content ever goes in. */
export type Log = (level: LogLevel, text: string) => void;

/** The same log with `component: ` before every line. */
export function withPrefix(log: Log, component: string): Log {
  return (level, text) => log(level, `${component}: ${text}`);
}
