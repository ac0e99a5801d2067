/** The picture: at the turning points of real performances, and where there is little room or much to show. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { width } from '../../lib/terminal/width.ts';
import type { Moment } from '../../simulator/demo/performance.ts';
import { hasRoom, picture, type Show, type Size } from '../../simulator/demo/picture.ts';
import { render, widthOf } from '../../simulator/demo/rows.ts';
import type { HostScene, Scene } from '../../simulator/demo/scene.ts';
import { Screen, type Terminal } from '../../simulator/demo/screen.ts';
import type { ScenarioName } from '../../simulator/scenarios.ts';
import { some } from '../support/thorough.ts';
import { played } from './recorder.ts';

const SMALL: Size = { columns: 80, rows: 24 };
const text = (show: Show, size = SMALL) =>
  picture(show, size)
    .map((row) => render(row, false))
    .join('\n');

async function showsOf(scenario: ScenarioName) {
  return (await played(scenario)).recording.shows();
}

const sidesThatServe = ({ moment }: Show) => {
  const serving = moment.scene.hosts.filter(({ serves }) => serves);
  return [...new Set(serving.map(({ side }) => side))].join(' and ');
};

describe('The picture of a deployment', () => {
  it('shows who serves: before, both together, and after', async () => {
    const shows = await showsOf('app');
    const before = shows.find(({ lines }) => lines.length > 0);
    const both = shows.find(({ moment }) => moment.scene.hosts.filter(({ serves }) => serves).length === 4);
    const after = shows.at(-1);
    const pictures = [before, both, after].map((show) => (show ? text(show) : 'no such moment'));
    await expect(pictures.join('\n\n')).toMatchFileSnapshot('golden/pictures-app.txt');
    expect([...new Set(shows.map(sidesThatServe))]).toEqual(['OLD', 'OLD and NEW', 'NEW']);
  });

  it('shows a failure, and the old hosts serving after it is undone', async () => {
    const shows = await showsOf('never-healthy');
    const failed = shows.find(({ moment }) => moment.isFailure);
    const undone = shows.at(-1);
    const pictures = [failed, undone].map((show) => (show ? text(show) : 'no such moment'));
    await expect(pictures.join('\n\n')).toMatchFileSnapshot('golden/pictures-never-healthy.txt');
    expect([...new Set(shows.map(sidesThatServe))]).toEqual(['OLD', 'OLD and NEW']);
  });

  it.each(some(['app', 'worker', 'never-healthy', 'undo-fails'] as const))(
    'of scenario %s never outgrows its terminal, nor goes backwards in time',
    async (scenario) => {
      const shows = await showsOf(scenario);
      for (const size of [SMALL, { columns: 100, rows: 30 }, { columns: 200, rows: 60 }]) {
        const rows = shows.filter((_, index) => index % 20 === 0).map((show) => picture(show, size));
        expect(rows.filter((each) => each.length > size.rows - 1)).toEqual([]);
        expect(rows.flat().filter((row) => widthOf(row) > size.columns)).toEqual([]);
      }
      const times = shows.map(({ moment }) => moment.at.getTime());
      expect(times).toEqual([...times].sort((a, b) => a - b));
    },
  );
});

// ── Made-up scenes ──

const host = (number: number, given: Partial<HostScene> = {}): HostScene => ({
  instanceId: `i-${String(number).padStart(17, '0')}`,
  side: 'OLD',
  zone: 'tokyo-a',
  life: 'up',
  mackerel: 'working',
  balancer: 'in service',
  serves: true,
  ...given,
});

function showOf(scene: Partial<Scene>, moment: Partial<Moment> = {}): Show {
  const at = new Date(0);
  const opening = {
    scenario: 'app',
    tells: '',
    fleet: 'shop',
    oldHosts: 1,
    newHosts: 1,
    seed: 1,
    at,
  } as const;
  const empty = { zones: ['tokyo-a', 'tokyo-c'], balancers: [], hosts: [] };
  return {
    opening,
    lines: [],
    moment: {
      at,
      phases: [],
      sentence: '',
      isFailure: false,
      progress: 0,
      scene: { ...empty, ...scene },
      ...moment,
    },
  };
}

describe('A picture', () => {
  it('of many hosts counts those for which there is no room', () => {
    const many = Array.from({ length: 12 }, (_, index) => host(index, { serves: index < 9 }));
    const drawn = text(showOf({ hosts: many }));
    expect(drawn).toContain('… and 8 more, 5 in service');
    expect(drawn.split('\n').length).toBeLessThan(SMALL.rows);
  });

  it('draws arrows only to zones that get requests, and says from whom', () => {
    const hosts = [host(1, { serves: false }), host(2, { zone: 'tokyo-c', side: 'NEW' })];
    expect(text(showOf({ hosts })).match(/▼ .*/g)).toEqual(['▼ to NEW']);
  });

  it('names what is wrong with a host', () => {
    const drawn = text(showOf({ hosts: [host(1, { life: 'broken', trouble: '5xx above 5 %' })] }));
    expect(drawn).toContain('broken');
    expect(drawn).toContain('✖ 5xx above 5 %');
  });

  it('tells old from new by words, and by colour only in addition', () => {
    const show = showOf({ hosts: [host(1), host(2, { side: 'NEW' })] });
    const coloured = picture(show, SMALL)
      .map((row) => render(row, true))
      .join('\n');
    expect(coloured).toContain('\x1b[');
    expect(stripVTControlCharacters(coloured)).toBe(text(show));
    expect(text(show)).toMatch(/OLD i-0+ [\s\S]*NEW i-0+ /);
  });

  it.each([80, 120])('keeps its columns where names and alerts are Japanese, at %d columns', (columns) => {
    const balancers = [{ name: '決済ロードバランサー', oldInService: 2, newInService: 0 }];
    const trouble = '決済エラー率が 5 % を超えています🚨、担当者を呼んでください';
    const hosts = [
      host(1, { life: 'broken', trouble }),
      host(2, { zone: 'tokyo-c', trouble: `a${trouble}` }),
    ];
    const sentence = '「決済」のロードバランサーがまだ新しいホストを受け入れていません。'.repeat(6);
    const rows = picture(showOf({ balancers, hosts }, { sentence }), { columns, rows: 24 });
    expect(new Set(rows.map(widthOf))).toEqual(new Set([columns]));
    const drawn = rows.map((row) => render(row, false));
    const edges = drawn.filter((row) => /[│┐┘]$/.test(row)).map(width);
    expect([...new Set(edges)]).toHaveLength(2);
    expect(drawn.filter((row) => row.includes('決済エラー'))).toHaveLength(1);
    expect(drawn.filter((row) => row.includes('…'))).toHaveLength(2);
  });

  it('cuts a sentence that is too long, and says so', () => {
    const drawn = text(showOf({}, { sentence: 'word '.repeat(200).trim() }));
    expect(drawn).toMatch(/ …$/m);
    expect(drawn.split('\n').filter((line) => line.startsWith('word'))).toHaveLength(3);
  });

  it('needs 80 columns, 24 rows, and more columns for more than four zones', () => {
    expect(hasRoom(SMALL, 4)).toBe(true);
    expect(hasRoom(SMALL, 5)).toBe(false);
    expect(hasRoom({ columns: 79, rows: 24 }, 2)).toBe(false);
    expect(hasRoom({ columns: 80, rows: 23 }, 2)).toBe(false);
  });
});

describe('The screen', () => {
  const terminal = (size: { columns: number; rows: number }) => {
    let written = '';
    const write = (text: string) => {
      written += text;
    };
    const fake: Terminal = { write, size: () => size, inColour: false };
    return { screen: new Screen(fake), written: () => written };
  };

  it('draws in place: up by as many rows as it has drawn', () => {
    const { screen, written } = terminal(SMALL);
    const show = showOf({ hosts: [host(1)] });
    screen.begins(show.opening);
    screen.sees(show.moment);
    const first = written().length;
    screen.sees({ ...show.moment, sentence: 'something new' });
    const drawn = picture(show, SMALL).length;
    expect(written().slice(first)).toContain(`\x1b[${drawn}A`);
  });

  it('writes nothing when nothing has changed', () => {
    const { screen, written } = terminal(SMALL);
    const show = showOf({});
    screen.begins(show.opening);
    screen.sees(show.moment);
    const first = written();
    screen.sees(show.moment);
    expect(written()).toBe(first);
  });

  it('shows the cursor again when it is closed', () => {
    const { screen, written } = terminal(SMALL);
    const show = showOf({});
    screen.begins(show.opening);
    screen.sees(show.moment);
    screen.close();
    expect(written().lastIndexOf('\x1b[?25h')).toBeGreaterThan(written().lastIndexOf('\x1b[?25l'));
  });

  it('tells lines where it has no room, and draws again where it has', () => {
    const size = { columns: 60, rows: 24 };
    const { screen, written } = terminal(size);
    const { opening, moment } = showOf({});
    screen.begins(opening);
    screen.sees(moment);
    screen.tells({ kind: 'does', at: moment.at, text: 'EC2 launches i-1' });
    expect(written()).toContain('EC2 launches i-1');
    expect(written()).not.toContain('┌');
    size.columns = 80;
    screen.sees(moment);
    expect(written()).toContain('┌');
  });
});
