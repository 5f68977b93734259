import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Panel } from './panel.ts';

/** Carries the panel to every component. */
export const PanelContext = createContext<Panel | null>(null);

/** The panel that the component belongs to. */
export function usePanel(): Panel {
  const panel = useContext(PanelContext);
  if (!panel) throw new Error('A component was rendered outside its panel');
  return panel;
}
