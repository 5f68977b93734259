import type { PanelStrings } from '../../protocol/panel.ts';

/** The localised texts that the extension host wrote into the page. */
export function readStrings(): PanelStrings {
  return JSON.parse(document.getElementById('strings')?.textContent ?? '{}') as PanelStrings;
}
