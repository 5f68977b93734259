import { readFileSync } from 'node:fs';
import Sqlite from 'better-sqlite3';
import type { OneWindow } from '../../support/oneWindow.ts';

/** What a window's page uses, the workbench's part included. */
export interface PageUsage {
  /** Time that its main thread was busy since the measurement began, in ms. */
  busy: number;
  /** JavaScript heap after a garbage collection, in MiB. */
  heap: number;
  /** Elements in the panel. */
  elements: number;
}

/** Begins to measure a window's page; each call of the function that comes back tells what it uses. */
export async function meterPage({ window, panel }: OneWindow): Promise<() => Promise<PageUsage>> {
  const session = await window.page.context().newCDPSession(window.page);
  await session.send('Performance.enable');
  return async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    const metric = (wanted: string) => metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
    const elements = await panel.frame.locator('*').count();
    return { busy: 1000 * metric('TaskDuration'), heap: metric('JSHeapUsedSize') / 2 ** 20, elements };
  };
}

/** Resident memory of a window's instance, in MiB. */
export function instanceMemory(databasePath: string, { sibling }: OneWindow): number {
  const sqlite = new Sqlite(databasePath, { readonly: true });
  const pid = sqlite.prepare('SELECT pid FROM peers WHERE pid <> ?').pluck().get(sibling.child.pid);
  sqlite.close();
  const [, kibibytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) / 2 ** 10;
}

/** How long the extension took to activate in this window, in ms, as the editor itself tells. */
export async function activationTime({ window }: OneWindow): Promise<number> {
  await window.command('workbench.action.showRuntimeExtensions');
  const row = window.page.locator('.runtime-extensions-editor .extension').filter({ hasText: 'DevChat' }).first();
  const text = await row.locator('.activation-time').textContent();
  // The editor shows this page above all others.
  await window.page.keyboard.press('Escape');
  await row.waitFor({ state: 'detached' });
  return Number(/(\d+)\s*ms/.exec(text ?? '')?.[1]);
}
