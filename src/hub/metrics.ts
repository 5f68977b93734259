import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the gauges are read from, whenever somebody asks. */
export interface Measured {
  sessions(): number;
  sendQueueBytes(): number;
  databaseWaiting(): number;
  isListening(): boolean;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The hub's figures for Prometheus: totals of the process, nothing that tells one workspace from another. */
export function createMetrics(measured: Measured) {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  gauge('devchat_hub_sessions', 'Connected clients', measured.sessions);
  gauge('devchat_hub_send_queue_bytes', 'Bytes that clients have not taken yet', measured.sendQueueBytes);
  gauge('devchat_hub_database_waiting', 'Requests that wait for a database connection', measured.databaseWaiting);
  gauge('devchat_hub_listening', '1 while hints of other hub processes arrive', () => Number(measured.isListening()));
  return {
    registry,
    events: new Counter({ name: 'devchat_hub_events_total', help: 'Events appended', registers }),
    removedEvents: new Counter({ name: 'devchat_hub_removed_events_total', help: 'Old events removed', registers }),
    pushSeconds: new Histogram({
      name: 'devchat_hub_push_seconds',
      help: 'Time of a push, to its commit',
      buckets: SECONDS,
      registers,
    }),
    pullSeconds: new Histogram({
      name: 'devchat_hub_pull_seconds',
      help: 'Time of a pull',
      buckets: SECONDS,
      registers,
    }),
    lagSeconds: new Histogram({
      name: 'devchat_hub_lag_seconds',
      help: 'Age of the newest event of a pull when it is sent',
      buckets: [...SECONDS, 60, 600, 3600, 86_400],
      registers,
    }),
    refusals: new Counter({
      name: 'devchat_hub_refusals_total',
      help: 'Connections and requests refused or cut off',
      labelNames: ['reason'] as const,
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
