import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { after, before, describe, it } from 'mocha';
import type { Locator } from 'playwright-core';
import { root } from '../../scripts/lib/step.mjs';
import { startOtherProgram, untilStored } from '../support/otherProgram.ts';
import { openTwoWindows, type TwoWindows } from '../support/twoWindows.ts';

/** The name of the animation of the dot behind a text that is being written. */
function dotAnimation(message: Locator): Promise<string> {
  return message
    .locator('.body')
    .evaluate((body) => body.ownerDocument.defaultView.getComputedStyle(body, '::after').animationName);
}

describe('a message that is being written', () => {
  let two: TwoWindows;

  before(async () => {
    two = await openTwoWindows();
  });
  after(() => two?.close());

  function devchat(...args: string[]): ChildProcessByStdio<Writable, Readable, null> {
    const { workspace, env } = two.editor;
    const program = [join(root, 'dist', 'cli.cjs'), '--workspace', workspace, ...args];
    return spawn(process.execPath, program, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  }

  /** A program that writes a message piece by piece, as a model's would. */
  const write = (title: string) => devchat('send', '-', '--role', 'assistant', '--title', title);

  it('grows in both windows, and shows its whole text to one that comes later', async () => {
    const writer = write('A reply');
    writer.stdin.write('The first piece');
    await two.a.window.conversations().open(/A reply/);
    const inA = two.a.panel.feed.locator('[role=article][aria-busy=true]');
    await inA.filter({ hasText: 'The first piece' }).waitFor();
    assert.equal(
      await dotAnimation(inA),
      'none',
      'what grows needs no animation, which is a frame of the window each time',
    );
    writer.stdin.write(' and the second');
    await inA.filter({ hasText: 'The first piece and the second' }).waitFor();
    await two.b.window.conversations().open(/A reply/);
    const inB = two.b.panel.feed.locator('[role=article][aria-busy=true]');
    await inB.filter({ hasText: 'The first piece and the second' }).waitFor();
    const exited = once(writer, 'exit');
    writer.stdin.end(' and the end');
    for (const { panel } of [two.a, two.b]) {
      await panel.feed.locator('[role=article][aria-busy=false]').waitFor();
      assert.deepEqual(await panel.messages(), [{ seq: 1, text: 'The first piece and the second and the end' }]);
    }
    assert.deepEqual(await exited, [0, null]);
  });

  it('ends as interrupted in both windows when its writer is killed, and keeps what was there', async () => {
    const other = await startOtherProgram(two.editor);
    const writer = write('Cut off');
    writer.stdin.write('Only the beginning');
    for (const { window, panel } of [two.a, two.b]) {
      await window.conversations().open(/Cut off/);
      await panel.message('Only the beginning').waitFor();
    }
    writer.stdin.write(' of this');
    await untilStored(other);
    writer.kill('SIGKILL');
    const killedAt = performance.now();
    for (const { panel } of [two.a, two.b]) {
      await panel.feed.locator('[data-status=interrupted]').filter({ hasText: 'Only the beginning' }).waitFor();
    }
    process.stdout.write(`      interrupted after ${Math.round(performance.now() - killedAt)} ms\n`);
  });
});
