import type { PanelStrings } from '../../protocol/panel.ts';

/** A text with values in the places `{0}`, `{1}`, … */
export function fill(text: string, ...values: (string | number)[]): string {
  return text.replace(/\{(\d)\}/gu, (_, index) => String(values[Number(index)] ?? ''));
}

/** The localised texts that the extension host wrote into the page. */
export function readStrings(): PanelStrings {
  return JSON.parse(document.getElementById('strings')?.textContent ?? '{}') as PanelStrings;
}
