import type { Message } from '../../protocol/model.ts';
import { shownParts } from '../../protocol/shownParts.ts';

/** What is known of a call of a tool: its name from where it was made, its outcome from its result. */
export interface Tool {
  name?: string;
  isError?: boolean;
}

/** The calls of tools in messages, by their ids. */
export function toolsOf(rows: readonly Message[]): ReadonlyMap<string, Tool> {
  const tools = new Map<string, Tool>();
  for (const part of rows.flatMap(shownParts)) {
    if (part.type === 'text' || part.call === null) continue;
    const tool = tools.get(part.call) ?? {};
    if (part.type === 'tool-call' && part.name !== null) tool.name = part.name;
    if (part.type === 'tool-result') tool.isError = part.isError;
    tools.set(part.call, tool);
  }
  return tools;
}
