import type { Locator } from 'playwright-core';

/** Contrast ratio of an element's text and what lies behind it, as WCAG 2.2 defines it. */
export async function contrast(element: Locator): Promise<number> {
  const [text = [], back = []] = await element.evaluate((node) => {
    const page = node.ownerDocument.defaultView;
    const backgrounds = [
      page.getComputedStyle(page.document.documentElement).getPropertyValue('--vscode-sideBar-background'),
    ];
    const ancestors = [];
    for (let element = node; element; element = element.parentElement) ancestors.unshift(element);
    for (const element of ancestors) backgrounds.push(page.getComputedStyle(element).backgroundColor);
    // Colours come in many notations and may let others through; a painted pixel has just one.
    const canvas = page.document.createElement('canvas').getContext('2d');
    const paint = (colour: string) => {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const back = backgrounds.map(paint).at(-1);
    return [paint(page.getComputedStyle(node).color), back];
  });
  const [lighter = 0, darker = 0] = [luminance(text), luminance(back)].sort((a, b) => b - a);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(rgb: number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
