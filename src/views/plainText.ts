/** A text as a label shows it: the editor would take `$(name)` in it for an icon. */
export function withoutIcons(text: string): string {
  return text.replace(/\$\([\w~-]+\)/gu, '\\$&');
}

/** A text as a notification shows it: the editor would make a link, even to a command, of `[words](address)` in it. */
export function withoutLinks(text: string): string {
  return text.replaceAll('](', ']\u200B(');
}
