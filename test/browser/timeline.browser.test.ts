/**
 * The timeline's page in a real browser, as people see it: in the light and in the dark, on a phone, on paper, and by a
 * screen reader. `npm run test:browser` runs this; it skips, loudly, where there is no browser.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { timelineKey } from '../../lambdas/domain/core/names.ts';
import { SCENARIOS, type ScenarioName } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';
import { synthesize } from '../synth.ts';
import { Chromium, findChromium, Tab, type View } from './chromium.ts';

const command = findChromium();
if (!command)
  console.warn('SKIPPED: there is no Chromium on this machine, so nobody looks at the timeline’s page.');

/** `SCREENSHOTS` keeps them where somebody wants to look at them. */
const folder = process.env.SCREENSHOTS ?? mkdtempSync(join(tmpdir(), 'irekae-timeline-'));

const VIEWS: Readonly<Record<string, View>> = {
  light: { width: 1_200, height: 900, scheme: 'light' },
  dark: { width: 1_200, height: 900, scheme: 'dark' },
  phone: { width: 360, height: 740, scheme: 'light' },
  'phone in the dark': { width: 360, height: 740, scheme: 'dark' },
  paper: { width: 794, height: 1_123, scheme: 'light', media: 'print' },
};

async function pageOf(scenario: ScenarioName): Promise<string> {
  const stage = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 7 });
  try {
    SCENARIOS[scenario].arrange(stage);
    stage.upload();
    await stage.deploy({ startedBy: 'Hanako', reason: 'release 7' }, 'release-7');
    const { fleet, world } = stage;
    return world.s3.text(fleet.artifact.bucket, timelineKey(fleet.name, 'release-7')) ?? '';
  } finally {
    stage.close();
  }
}

/** Runs in the page: everything that a look at it can measure. */
const MEASURES = `(() => {
  const ratio = (a, b) => { const [x, y] = [lum(a), lum(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const lum = (rgb) => rgb.map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const solid = (el) => { for (let e = el; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c) && c !== 'transparent') return rgb(c); }
    return [255, 255, 255]; };
  const shapes = [...document.querySelectorAll('figure .row > svg')].flatMap((svg) => {
    const outer = svg.getBoundingClientRect();
    return [...svg.querySelectorAll('rect')].map((rect) => {
      const box = rect.getBoundingClientRect();
      return { kind: rect.getAttribute('class'), width: box.width, fill: getComputedStyle(rect).fill,
        inside: box.left >= outer.left - 1 && box.right <= outer.right + 1 && box.top >= outer.top - 1 && box.bottom <= outer.bottom + 1,
        contrast: ratio(rgb(getComputedStyle(rect).fill), solid(svg)) }; }); });
  const texts = [...document.querySelectorAll('h1,h2,h3,p,th,td,dt,dd,li,small,a,strong,caption,time')]
    .filter((el) => el.textContent.trim() && el.getClientRects().length > 0)
    .map((el) => ({ text: el.textContent.trim().slice(0, 40), size: parseFloat(getComputedStyle(el).fontSize),
      contrast: ratio(rgb(getComputedStyle(el).color), solid(el)) }));
  return { title: document.title, scrollWidth: document.documentElement.scrollWidth, width: innerWidth,
    background: rgb(getComputedStyle(document.body).backgroundColor), headings: [...document.querySelectorAll('h1,h2,h3')].map((h) => h.tagName + ' ' + h.textContent),
    unscoped: document.querySelectorAll('th:not([scope])').length, shapes, texts,
    words: [...document.querySelectorAll('figure .word')].filter((el) => getComputedStyle(el).display !== 'none')
      .filter((el) => el.getBoundingClientRect().width > el.parentElement.parentElement.getBoundingClientRect().width).length,
    marks: [...document.querySelectorAll('figure .axis text')].filter((el) => { const [box, outer] = [el.getBoundingClientRect(), document.querySelector('figure').getBoundingClientRect()];
      return box.left < outer.left || box.right > outer.right; }).map((el) => el.textContent) };
})()`;

interface Measures {
  readonly title: string;
  readonly scrollWidth: number;
  readonly width: number;
  readonly background: readonly number[];
  readonly headings: readonly string[];
  readonly unscoped: number;
  readonly words: number;
  readonly marks: readonly string[];
  readonly shapes: readonly { kind: string; width: number; inside: boolean; contrast: number }[];
  readonly texts: readonly { text: string; size: number; contrast: number }[];
}

describe.skipIf(!command)('In a browser', () => {
  let browser: Chromium;
  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    browser = new Chromium(command ?? '');
  });
  afterAll(async () => {
    await browser.close();
    if (!process.env.SCREENSHOTS) rmSync(folder, { recursive: true, force: true });
  });

  describe.each([
    ['app', 'Deployed'],
    ['alert', 'RolledBack'],
  ] as const)('the page of scenario %s', (scenario, outcome) => {
    let url: string;
    beforeAll(async () => {
      const file = join(folder, `${scenario}.html`);
      writeFileSync(file, await pageOf(scenario));
      url = pathToFileURL(file).href;
    });

    it.each(Object.keys(VIEWS))('can be read in view: %s', async (name) => {
      const view = VIEWS[name];
      if (!view) throw new Error(`no view ${name}`);
      const tab = await Tab.open(browser);
      await tab.show(url, view);
      const seen = await tab.evaluate<Measures>(MEASURES);
      writeFileSync(join(folder, `${scenario}-${name.replaceAll(' ', '-')}.png`), await tab.screenshot());

      expect(tab.complaints).toEqual([]);
      expect(seen.title).toBe(`${outcome}: reactio-production-app, Sun 22 Nov 2026 03:00 UTC`);
      expect(seen.scrollWidth).toBeLessThanOrEqual(seen.width);
      expect(seen.headings[0]).toBe('H1 reactio-production-app');
      expect(seen.unscoped).toBe(0);
      // The style was taken: the page's policy has the right digest.
      const isDark = seen.background.every((value) => value < 60);
      expect(isDark).toBe(view.scheme === 'dark');
      // Two hosts go and two come.
      expect(seen.shapes.length).toBeGreaterThan(15);
      expect(seen.shapes.filter(({ inside }) => !inside)).toEqual([]);
      expect(seen.words).toBe(0);
      expect(seen.marks).toEqual([]);
      const pale = seen.shapes.filter(({ kind, contrast }) => kind !== 'out' && contrast < 2.7);
      expect(pale).toEqual([]);
      expect(seen.texts.filter(({ contrast }) => contrast < 4.5)).toEqual([]);
      expect(seen.texts.filter(({ size }) => size < 11)).toEqual([]);
    });

    it('has a name for everything that a screen reader stops at', async () => {
      const tab = await Tab.open(browser);
      await tab.show(url, { width: 1_200, height: 900, scheme: 'light' });
      const all = await tab.accessibles();
      const named = ['image', 'img', 'figure', 'region', 'link', 'heading', 'table'];
      expect(all.filter(({ role, name }) => named.includes(role) && name === '')).toEqual([]);
      const names = all.map(({ name }) => name);
      expect(names.some((name) => /^Phases: Agree \d+ s; Bring up \d+ s/.test(name))).toBe(true);
      expect(names.filter((name) => /^i-\w+, ap-northeast-1[ac]: /.test(name)).length).toBe(4);
      expect(all.filter(({ role }) => role === 'table').length).toBeGreaterThan(3);
      expect(all.filter(({ role }) => role === 'main').length).toBe(1);
    });
  });

  it('a script that got into the page would not run', async () => {
    const file = join(folder, 'injected.html');
    const page = await pageOf('app');
    writeFileSync(file, page.replace('</main>', '<script>document.title = "run"</script></main>'));
    const tab = await Tab.open(browser);
    await tab.show(pathToFileURL(file).href, { width: 800, height: 600, scheme: 'light' });
    expect(await tab.evaluate('document.title')).toMatch(/^Deployed/);
    expect(tab.complaints.join()).toContain('Content Security Policy');
  });
});
