import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../scripts/lib/step.mjs';
import { panelParams } from '../../../src/protocol/panel.ts';
import {
  chatEditorType,
  commands,
  contextKeys,
  itemContexts,
  settings,
  views,
} from '../../../src/views/contributions.ts';

interface Command {
  command: string;
  title: string;
  category: string;
  enablement?: string;
}

interface Entry {
  command: string;
  when?: string;
  key?: string;
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const { contributes } = manifest;
const contributed: Command[] = contributes.commands;
const menus: [string, Entry[]][] = Object.entries(contributes.menus);
const keybindings: Entry[] = contributes.keybindings;

/** Everything in the manifest that is a condition. */
const conditions = [
  ...contributed.map(({ enablement }) => enablement),
  ...menus.flatMap(([, entries]) => entries.map(({ when }) => when)),
  ...keybindings.map(({ when }) => when),
  ...contributes.viewsWelcome.map(({ when }: Entry) => when),
].filter((condition) => condition !== undefined);

describe('the manifest', () => {
  it('contributes exactly the commands that the code names, in one category', () => {
    assert.deepEqual(contributed.map(({ command }) => command).toSorted(), Object.values(commands).toSorted());
    for (const { command, category, title } of contributed) {
      assert.equal(category, 'DevChat', command);
      assert.equal(title, `%command.${command.slice('devchat.'.length)}%`);
    }
  });

  it('contributes exactly the views and settings that the code names', () => {
    const viewIds = contributes.views.devchat.map(({ id }: { id: string }) => id);
    assert.deepEqual(viewIds.toSorted(), Object.values(views).toSorted());
    const properties = contributes.configuration.flatMap((group: { properties: object }) =>
      Object.keys(group.properties),
    );
    assert.deepEqual(properties.toSorted(), Object.values(settings).toSorted());
  });

  it('describes every setting, each in a group with a title and a place', () => {
    for (const { title, order, properties } of contributes.configuration) {
      assert.match(title, /^%settings\.\w+%$/);
      assert.equal(typeof order, 'number');
      for (const [name, { markdownDescription }] of Object.entries<{ markdownDescription?: string }>(properties)) {
        assert.ok(markdownDescription, name);
      }
    }
  });

  it('has entries of menus, keys and panels for commands that there are', () => {
    const named = [...menus.flatMap(([, entries]) => entries), ...keybindings].map(({ command }) => command);
    const { command } = panelParams.runCommand.entries;
    for (const one of [...named, ...command.options]) assert.ok(Object.values<string>(commands).includes(one), one);
  });

  it('keeps from the palette what needs a row or a message', () => {
    const palette = new Map(contributes.menus.commandPalette.map(({ command, when }: Entry) => [command, when]));
    for (const command of [commands.openConversation, commands.branchConversation]) {
      assert.equal(palette.get(command), 'false');
    }
  });

  it('offers nothing that touches the history while there is none', () => {
    const touching = [commands.newConversation, commands.deleteConversation, commands.search, commands.export];
    for (const command of touching) {
      assert.match(contributed.find((one) => one.command === command)?.enablement ?? '', /devchat\.state != failed/);
    }
  });

  it('has few keys, and only where DevChat is', () => {
    assert.ok(keybindings.length <= 4);
    for (const { when = '' } of keybindings) {
      for (const part of when.split(' || ')) assert.match(part, /^(focusedView|activeWebviewPanelId) == devchat\./);
    }
  });

  it('asks for context keys, views and kinds of rows that there are', () => {
    const keys = new Set<string>(Object.values(contextKeys));
    const ids = new Set<string>([...Object.values(views), chatEditorType]);
    const kinds = new Set<string>(Object.values(itemContexts));
    for (const condition of conditions) {
      for (const [name] of condition.matchAll(/(?<![\w.])devchat\.\w+/g))
        assert.ok(keys.has(name) || ids.has(name), name);
      for (const [, kind = ''] of condition.matchAll(/\\b(\w+)\\b/g)) assert.ok(kinds.has(kind), kind);
    }
    for (const key of keys)
      assert.ok(
        conditions.some((condition) => condition.includes(key)),
        key,
      );
  });

  it('has a walkthrough of at most five steps, each with its picture', () => {
    const [{ steps }] = contributes.walkthroughs;
    assert.ok(steps.length <= 5);
    for (const { media } of steps) assert.ok(existsSync(join(root, media.svg)), media.svg);
  });
});
