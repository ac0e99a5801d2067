/**
 * The pictures of the documents in a real browser, whose fonts measure their texts: nothing stands out of its box, with
 * the fonts of this machine and with the widest of the usual ones. `npm run test:browser` runs this.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Chromium, findChromium, Tab } from './chromium.ts';

const command = findChromium();
if (!command) console.warn('SKIPPED: there is no Chromium on this machine, so nobody looks at the pictures.');

const DOCUMENTS = join(import.meta.dirname, '../../docs');
const PICTURES = readdirSync(DOCUMENTS).filter((name) => name.endsWith('.svg'));

/** Runs in the picture: the texts of which a corner is out of the box that they are drawn with. */
const STANDING_OUT = (font: string) => `(() => {
  const root = document.documentElement;
  const texts = [...root.querySelectorAll('text')];
  if (${JSON.stringify(font)}) for (const text of texts) text.style.fontFamily = ${JSON.stringify(font)};
  const boxOf = (text) => text.parentElement.querySelector(':scope > rect, :scope > polygon');
  const isOut = (text) => {
    const [{ x, width }, size] = [text.getBBox(), parseFloat(getComputedStyle(text).fontSize)];
    const y = Number(text.getAttribute('y'));
    const shape = text.parentElement === root ? root.querySelector('.sheet') : boxOf(text);
    const inside = (cx, cy) => { const point = root.createSVGPoint(); point.x = cx; point.y = cy; return shape.isPointInFill(point); };
    return shape && ![x, x + width].every((cx) => [y - size * 0.76, y + size * 0.22].every((cy) => inside(cx, cy)));
  };
  return { texts: texts.length, out: texts.filter(isOut).map((text) => text.textContent) };
})()`;

describe.skipIf(!command)('In a browser, the picture', () => {
  let browser: Chromium;
  beforeAll(() => {
    browser = new Chromium(command ?? '');
  });
  afterAll(async () => {
    await browser.close();
  });

  describe.each(PICTURES)('%s', (name) => {
    it.each(['', 'DejaVu Sans', 'Verdana', 'Helvetica'])(
      'has its texts in its boxes, in font "%s"',
      async (font) => {
        const tab = await Tab.open(browser);
        await tab.show(pathToFileURL(join(DOCUMENTS, name)).href, {
          width: 1_200,
          height: 1_300,
          scheme: 'light',
        });
        const seen = await tab.evaluate<{ texts: number; out: string[] }>(STANDING_OUT(font));
        expect(seen.texts).toBeGreaterThan(20);
        expect(seen.out).toEqual([]);
      },
    );
  });
});
