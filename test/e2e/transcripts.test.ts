import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { v4 as uuid } from 'uuid';
import { createTempDir } from '../../scripts/lib/tempDir.mjs';
import { observePaint, percentile } from '../support/paintLatency.ts';
import { type ChatWindow, openTwoWindows, type TwoWindows } from '../support/twoWindows.ts';

describe('transcripts of an agent', () => {
  const agent = createTempDir();
  const root = join(agent.path, 'config', 'projects');
  const bin = join(agent.path, 'bin');
  const called = join(agent.path, 'called');
  const session = uuid();
  let two: TwoWindows;
  let a: ChatWindow;
  let b: ChatWindow;
  let transcript = '';
  let records = 0;

  /** A line as the agent writes it. */
  function line(type: 'user' | 'assistant', text: string, more: object = {}): string {
    records++;
    const message = { role: type, content: [{ type: 'text', text }] };
    const usage = { input_tokens: 1200, output_tokens: 34 };
    const record = {
      ...{ type, uuid: uuid(), sessionId: session, cwd: two.editor.workspace, gitBranch: 'main', version: '2.1.0' },
      timestamp: new Date().toISOString(),
      message: type === 'user' ? message : { ...message, id: `msg_${records}`, model: 'claude-opus-4-5', usage },
      ...more,
    };
    return `${JSON.stringify(record)}\n`;
  }

  before(async () => {
    for (const directory of [root, bin]) mkdirSync(directory, { recursive: true });
    // Stands for the agent: it notes where and with what it was called.
    writeFileSync(
      join(bin, 'claude'),
      `#!/bin/sh\necho "$PWD $*" > '${called}.new' && mv '${called}.new' '${called}'\n`,
    );
    chmodSync(join(bin, 'claude'), 0o755);
    two = await openTwoWindows({
      env: { CLAUDE_CONFIG_DIR: join(agent.path, 'config'), PATH: `${bin}:${process.env['PATH']}` },
    });
    ({ a, b } = two);
    const projects = join(root, two.editor.workspace.replace(/[^A-Za-z0-9]/g, '-'));
    mkdirSync(projects);
    transcript = join(projects, `${session}.jsonl`);
  });
  after(async () => {
    await two?.close();
    agent.remove();
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    await a.window.screenshot('failed-transcripts-a');
    await b.window.screenshot('failed-transcripts-b');
  });

  it('appear in every window while they are written', async () => {
    writeFileSync(transcript, line('user', 'Compute the Bernoulli numbers'));
    for (const { window, panel } of [a, b]) {
      await window.conversations().open(/Compute the Bernoulli numbers/);
      await panel.message('Compute the Bernoulli numbers').waitFor();
    }
    const latencies: number[] = [];
    for (let index = 0; index < 30; index++) {
      const text = `Step ${index} of the programme`;
      const observer = await observePaint(b.panel, text);
      const written = performance.timeOrigin + performance.now();
      appendFileSync(transcript, line('assistant', text));
      latencies.push((await observer.evaluate(({ painted }) => painted)) - written);
      await observer.dispose();
    }
    latencies.sort((one, other) => one - other);
    const [median, p95] = [percentile(latencies, 0.5), percentile(latencies, 0.95)];
    process.stdout.write(
      `      line written to painted in the second window: median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms\n`,
    );
    await a.panel.message('Step 29 of the programme').waitFor();
    assert.equal(latencies.length, 30);
  });

  it('say whose they are, and show subagents below their session', async () => {
    for (const { panel } of [a, b]) {
      await panel.frame.getByText('Claude Code · main · claude-opus-4-5 · A reply goes into a copy').waitFor();
    }
    const subagents = join(transcript.slice(0, -'.jsonl'.length), 'subagents');
    mkdirSync(subagents, { recursive: true });
    const more = { isSidechain: true, agentId: 'a1b2c3d' };
    writeFileSync(join(subagents, 'agent-a1b2c3d.jsonl'), line('user', 'Look up Note G', more));
    const parent = a.window.conversations().row(/Compute the Bernoulli numbers/);
    await parent.and(a.window.page.locator('[aria-expanded=false]')).waitFor();
    assert.equal(
      await a.window
        .conversations()
        .row(/Look up Note G/)
        .count(),
      0,
    );
    await parent.locator('.monaco-tl-twistie').click();
    const child = a.window.conversations().row(/Look up Note G/);
    await child.waitFor();
    assert.equal(await child.getAttribute('aria-level'), '3');
    await a.window.screenshot('transcripts');
  });

  it('go on in a terminal, in the folder of the session', async () => {
    const noted = new Promise<void>((resolve) => {
      const watcher = watch(agent.path, () => {
        if (!existsSync(called)) return;
        watcher.close();
        resolve();
      });
    });
    await a.panel.frame.getByRole('button', { name: 'Continue in Terminal' }).click();
    await noted;
    assert.equal(readFileSync(called, 'utf8'), `${two.editor.workspace} --resume ${session}\n`);
    await a.window.command('workbench.action.closePanel');
  });

  it('are answered in a copy, which both windows have', async () => {
    await a.panel.send('And without a machine?');
    await a.panel.frame.getByRole('heading', { name: 'Compute the Bernoulli numbers (branch)' }).waitFor();
    await a.panel.message('And without a machine?').waitFor();
    await b.window.conversations().open(/Compute the Bernoulli numbers \(branch\)/);
    await b.panel.message('And without a machine?').waitFor();
    await b.window.conversations().open(/Compute the Bernoulli numbers(?! \(branch\))/);
    await b.panel.frame.getByRole('heading', { name: 'Compute the Bernoulli numbers', exact: true }).waitFor();
    await b.panel.message('Step 29 of the programme').waitFor();
    assert.equal(await b.panel.message('And without a machine?').count(), 0);
  });

  it('are accounted for in a report that leads to the byte', async () => {
    appendFileSync(transcript, 'no record\n');
    await b.window.command('devchat.showImportReport');
    const report = b.window.page.locator('.editor-instance .view-line');
    const sum = /Records:\s33\sfound\s=\s32\sstored\s\+\s0\sduplicates\s\+\s1\squarantined/;
    await report.filter({ hasText: sum }).waitFor();
    await b.window.screenshot('import-report');
    await b.window.command('devchat.importTranscripts');
    await b.window.answer('Sessions in This Workspace');
    await b.window.showNotifications();
    await b.window.notification('Transcripts: 2. Records: 33 = 32 stored + 0 known before + 1 not readable.').waitFor();
    await report.getByText(/not-json/).click();
    await b.window.command('editor.action.openLink');
    await b.window.page.getByRole('tab', { name: `${session}.jsonl` }).waitFor();
    await b.window.page.getByRole('button', { name: 'Ln 32, Col 1' }).waitFor();
  });

  it('lead from a fork to where it begins', async () => {
    const forked = uuid();
    const copied = readFileSync(transcript, 'utf8').replaceAll(session, forked).split('\n').slice(0, 11);
    const title = JSON.stringify({ type: 'custom-title', customTitle: 'Another way', sessionId: forked });
    const own = line('assistant', 'A step of its own', { sessionId: forked });
    writeFileSync(join(dirname(transcript), `${forked}.jsonl`), `${[...copied, title].join('\n')}\n${own}`);
    await a.window.conversations().open(/Another way/);
    await a.panel.message('A step of its own').waitFor();
    await a.window.screenshot('transcripts-fork');
    await a.panel.frame.getByRole('button', { name: 'Begins in “Compute the Bernoulli numbers”' }).click();
    await a.panel.frame.getByRole('heading', { name: 'Compute the Bernoulli numbers', exact: true }).waitFor();
    await a.panel.message('Step 9 of the programme').waitFor();
  });

  it('are told of in the status, and no longer read when they are switched off', async () => {
    await a.window.command('devchat.showSyncStatus');
    const status = a.window.page.locator('.editor-instance .view-line');
    await status.filter({ hasText: /Transcripts:\s(active|idle);\s3\sfiles\sknown,\s3\swatched/ }).waitFor();
    await a.window.screenshot('sync-status');
    two.editor.setWorkspaceSettings({ 'devchat.import.sources': [] });
    await status.filter({ hasText: /Transcripts:\snone\sare\sread/ }).waitFor();
  });
});
