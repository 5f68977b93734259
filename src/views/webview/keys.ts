/** Browsers that report the Enter that ends a composition as an ordinary key give it this code. */
const COMPOSING_KEY_CODE = 229;

/** True for the Enter that acts: neither the one that breaks a line nor the one that ends an input method's composition. */
export function isEnter(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== COMPOSING_KEY_CODE;
}
