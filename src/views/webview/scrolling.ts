const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth || target.scrollHeight > target.clientHeight;
    if (scrolls) target.setAttribute('tabindex', '0');
    else target.removeAttribute('tabindex');
  }
});

/** Lets the Tab key reach a block while there is more of it than it shows. */
export function reachWhileItScrolls(block: Element | null): void {
  if (block) sizes.observe(block);
}
