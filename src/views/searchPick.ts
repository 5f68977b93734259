import { l10n, type QuickPickItem, window } from 'vscode';
import type { InstanceClient } from '../instance/client/instanceClient.ts';
import { serialiseError } from '../protocol/errors.ts';
import type { SearchHit } from '../protocol/rpc.ts';
import { plainSnippet } from '../protocol/snippet.ts';
import { withoutIcons } from './plainText.ts';

type HitItem = QuickPickItem & { hit?: SearchHit };

/**
 * Lets the user search the whole history while typing.
 * @returns the message that was picked; undefined when none was
 */
export function searchMessages(client: InstanceClient): Promise<SearchHit | undefined> {
  const pick = window.createQuickPick<HitItem>();
  pick.placeholder = l10n.t('Search all messages of this workspace');
  pick.onDidChangeValue(async (query) => {
    const items = await find(client, query);
    // A slow answer to what was typed before must not replace a newer one.
    if (pick.value === query) pick.items = items;
  });
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      resolve(pick.selectedItems[0]?.hit);
      pick.hide();
    });
    pick.onDidHide(() => {
      pick.dispose();
      resolve(undefined);
    });
    pick.show();
  });
}

async function find(client: InstanceClient, query: string): Promise<HitItem[]> {
  try {
    const { hits } = await client.request('search', { query, limit: 50, includeArchived: true });
    // alwaysShow: the index matches words, the pick would filter by letters once more.
    return hits.map((hit) => ({
      label: withoutIcons(plainSnippet(hit.snippet)),
      description: withoutIcons(hit.title),
      alwaysShow: true,
      hit,
    }));
  } catch (error) {
    return [{ label: serialiseError(error).message, alwaysShow: true }];
  }
}
