/** A field that grows with a longer text would freeze the panel: all of it is measured again with every keystroke. */
const LONGEST_GROWING = 20_000;

/** The class of a text field that holds `text`. */
export function fieldClass(text: string): string | undefined {
  return text.length > LONGEST_GROWING ? 'large' : undefined;
}
