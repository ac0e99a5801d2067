/** The page of a deployment, drawn from its record. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { type DeploymentRecord, recordOf } from '../../lambdas/domain/record/record.ts';
import { marks, period } from '../../lambdas/domain/record/timeline/moments.ts';
import { pack } from '../../lambdas/domain/record/timeline/packed.ts';
import { timelinePage } from '../../lambdas/domain/record/timeline/page.ts';
import {
  aLaunch,
  aLook,
  anOldHost,
  aSnapshot,
  at,
  baked,
  failedBy,
  iso,
  RELEASE,
  shifted,
} from '../support/deployments.ts';
import { aFleet } from '../support/fleets.ts';

const over = (from: number, to: number, changes = {}) =>
  aLook({ ready: true, since: iso(from), at: iso(to), ...changes });

/** All went well, in 400 seconds. */
const DEPLOYED: Deployment = baked({
  input: { startedBy: 'Hanako', reason: 'release 12' },
  release: {
    ...RELEASE,
    before: {
      deployment: 'deploy-1',
      versionId: 'v1',
      runtimes: [],
      imageId: 'ami-0abc',
      instanceTypes: { 't3.small': 2 },
    },
  },
  readiness: over(12, 98, {
    seen: { running: pack([25, 27]), registered: pack([60, 70]), inService: pack([90, 95]) },
    said: [
      [at(30).getTime() / 1000, '0 of 2 ready; both boot'],
      [at(98).getTime() / 1000, 'all 2 new hosts are ready'],
    ],
  }),
  drain: over(101, 110, { seen: { drained: pack([105, 109]) } }),
  bake: over(110, 350),
  termination: over(351, 380, { seen: { terminated: pack([375, 379]) } }),
  retirement: { reason: '2 hosts retired in Mackerel', at: iso(381) },
});
const deployed = recordOf(DEPLOYED, at(400));

/** An alert during the bake, undone. */
const rolledBack = recordOf(
  shifted({
    readiness: DEPLOYED.readiness,
    drain: DEPLOYED.drain,
    bake: aLook({ since: iso(110), at: iso(150) }),
    failure: failedBy('AlertDuringBake', 'Mackerel opened an alert on i-new2: <5xx>.'),
    putBack: over(155, 190, { seen: { serving: pack([160, 162]) } }),
    removal: over(191, 240, {
      seen: { terminated: pack([235, 238]) },
      evidence: [{ instanceId: 'i-new2', console: ['booting', 'irekae: FAILED: <b>no</b> disk'] }],
    }),
  }),
  at(250),
  { error: 'RolledBack', cause: 'AlertDuringBake: Mackerel opened an alert on i-new2: <5xx>.' },
);

/** What somebody reads of it. */
const textOf = (page: string) =>
  page
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replace(/<title>[^<]*<\/title>(?=<\/rect>)/g, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');
const count = (page: string, what: RegExp) => (page.match(what) ?? []).length;

describe('The page of a good deployment', () => {
  const page = timelinePage(deployed);
  const text = textOf(page);

  it('is this one', async () => expect(page).toMatchFileSnapshot('golden/deployed.html'));

  it.each([
    ['how it ended, and when', 'Deployed shop Sun 1 Mar 2026, 09:00:00 to 09:06:40 UTC'],
    ['who and why', 'Started by, as the start says Hanako Why release 12'],
    ['what it took, and what it could have', 'Took 6 min 40 s, at best'],
    ['that nobody was missed', '2 before, never fewer'],
    [
      'where the time went',
      'i-new2, the slowest: 17 s until EC2 ran it, 43 s to boot and start the application',
    ],
    ['what is another version', 'shop/app.tar.gz v1 v2 changed'],
    ['what is not', 'Machine image ami-0abc ami-0abc the same'],
    ['what the hosts are', 'Instances 2 × t3.small 2 × t4g.small changed'],
    ['what was said, and when', '09:00:30 after 30 s New hosts are ready 0 of 2 ready; both boot'],
    ['when each new host had come so far', 'i-new1 ap-northeast-1a · t4g.small 25 s 60 s 90 s'],
    ['when each old host had gone', 'i-old1 ap-northeast-1a 100 s 105 s 6 min 15 s'],
    ['where in Mackerel', 'service Shop, role web'],
  ])('tells %s', (_title, sentence) => expect(text).toContain(sentence));

  it('draws each phase and each stretch of each host', () => {
    // Five phases; each new host is started, boots, waits and serves; each old one serves, drains and is out.
    expect(count(page, /<rect class="(agree|up|shift|watch|remove)"/g)).toBe(5);
    expect(count(page, /<rect class="(launch|boot|join|serve|old|drain|out)"[^>]*><title>/g)).toBe(
      2 * 4 + 2 * 3,
    );
  });

  it('says of each bar where the host was how long', () =>
    expect(page).toContain(
      'aria-label="i-new1, ap-northeast-1a: EC2 starts it 15 s; boots, starts the application 35 s; waits for Mackerel or a load balancer 30 s; new, in service 5 min 10 s."',
    ));

  it('leads to the execution and its log', () => {
    expect(page).toContain(
      'href="https://ap-northeast-1.console.aws.amazon.com/states/home?region=ap-northeast-1#/v2/executions/details/arn%3Aaws%3Astates%3A',
    );
    expect(page).toContain(
      '#logsV2:log-groups/log-group/$252Faws$252Fvendedlogs$252Fstates$252Firekae-shop"',
    );
  });

  it('of another partition leads to its consoles, and of an unknown place nowhere', () => {
    const moved = (execution: string) => timelinePage({ ...deployed, execution });
    expect(moved('arn:aws-cn:states:cn-north-1:1:execution:irekae-shop:x')).toContain(
      'https://cn-north-1.console.amazonaws.cn/states/',
    );
    expect(moved('javascript:alert(1)').match(/href="[^"]*"/g)).toEqual([
      'href="https://mackerel.io/my/hosts"',
    ]);
  });

  it('adds up: at best is never more than what it took, and the parts are the whole', () => {
    const { parts, took, atBest } = deployed.timeline?.bound ?? { parts: [], took: 0, atBest: 0 };
    expect(parts.map((part) => [part.part, part.took, part.atBest])).toEqual([
      ['Agree', 10, 0],
      ['Bring up', 88, 60],
      ['Shift', 12, 9],
      ['Watch', 240, 79],
      ['Remove', 50, 28],
    ]);
    expect([took, atBest]).toEqual([400, 176]);
  });
});

describe('The page of a deployment that was undone', () => {
  const page = timelinePage(rolledBack);
  const text = textOf(page);

  it('is this one', async () => expect(page).toMatchFileSnapshot('golden/rolled-back.html'));

  it.each([
    ['what that means', 'The deployment failed and was undone; the old hosts are serving.'],
    [
      'what failed, where',
      'Watch the new hosts failed AlertDuringBake: Mackerel opened an alert on i-new2: &lt;5xx&gt;.',
    ],
    ['which host', 'named by the failure'],
    ['its last words', 'booting irekae: FAILED: &lt;b&gt;no&lt;/b&gt; disk'],
    ['how long each phase took', 'Watch 45 s failed Put back 35 s undoing Clear away 60 s undoing'],
    ['when the old ones were back', 'i-old2 ap-northeast-1a 100 s 109 s 2 min 42 s'],
    ['what did not come to be', 'What was to change'],
  ])('tells %s', (_title, sentence) => expect(text).toContain(sentence));

  it('marks the failure in the picture', () => {
    expect(count(page, /<path class="cross"/g)).toBe(1);
    expect(count(page, /<line class="moment"/g)).toBeGreaterThan(4);
  });

  it('has no lower bound: nothing was reached that could have been reached sooner', () =>
    expect(text).not.toContain('at best'));
});

describe('Whatever comes from outside', () => {
  const EVIL = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;</style>\u202egnp.exe\u0007`;
  const evil = <T>(value: T): T => {
    if (typeof value === 'string') return `${value}${EVIL}` as T;
    if (Array.isArray(value)) return value.map(evil) as T;
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, evil(each)])) as T;
  };
  /** Every string in it, except those that have to be moments. */
  const hostile = (record: DeploymentRecord): DeploymentRecord => ({
    ...evil({
      ...record,
      strangers: [{ name: 'a host', why: 'unknown' }],
      override: ['freeze'],
      rolledBackTo: 'x',
    }),
    ...(record.consoles && { consoles: { [EVIL]: [EVIL] } }),
    startedAt: record.startedAt,
    finishedAt: record.finishedAt,
  });

  it.each([
    ['deployed', deployed],
    ['rolled back', rolledBack],
  ])('stays text in the page of a deployment that was %s', (_title, record) => {
    const page = timelinePage(hostile(record));
    expect(count(page, /&lt;script&gt;alert\(1\)/g)).toBeGreaterThan(20);
    // Elements and attributes are the product's own: no other ones, and none that run or load anything.
    const elements = new Set([...page.matchAll(/<([a-z0-9]+)/g)].map(([, name]) => name));
    expect(
      [...elements].filter((name) => /^(script|img|iframe|object|embed|form|link|base)$/.test(name ?? '')),
    ).toEqual([]);
    const tags = page.match(/<[a-z][^>]*>/g)?.map((tag) => tag.replace(/"[^"]*"/g, ''));
    expect(tags?.filter((tag) => /\son/.test(tag))).toEqual([]);
    expect(count(page, /<\/style>/g)).toBe(1);
    for (const control of ['\u202e', '\u0007']) expect(page.includes(control)).toBe(false);
  });

  it.each([
    ['deployed', deployed],
    ['rolled back', rolledBack],
  ])('leaves the page of a deployment that was %s well-formed', (_title, record) => {
    const open: string[] = [];
    const VOID = ['meta', 'br'];
    const page = timelinePage(hostile(record)).replace(/<style>[\s\S]*?<\/style>/, '');
    for (const [, close, name = '', selfClosed] of page.matchAll(
      /<(\/?)([a-z0-9]+)(?:\s[a-zA-Z0-9-]+(?:="[^"]*")?)*\s*(\/?)>/g,
    )) {
      if (close) expect(open.pop()).toBe(name);
      else if (!selfClosed && !VOID.includes(name)) open.push(name);
    }
    expect(open).toEqual([]);
    // Outside of tags there is no bracket left.
    expect(
      page
        .replace(/<!doctype html>/, '')
        .replace(/<\/?[a-z0-9]+(?:\s[a-zA-Z0-9-]+(?:="[^"]*")?)*\s*\/?>/g, ''),
    ).not.toMatch(/[<>]/);
  });

  it('could run nothing even so: the page allows its own style alone', () => {
    const page = timelinePage(deployed);
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? '';
    const digest = createHash('sha256').update(style).digest('base64');
    expect(page).toContain(
      `content="default-src &#39;none&#39;; style-src &#39;sha256-${digest}&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;"`,
    );
    expect(page).not.toContain(' style=');
  });
});

// ── Large, small and old ───────────────────────────────────────────────────────────────────────────────────────────

const id = (n: number) => `i-${n.toString(16).padStart(17, '0')}`;
const zoneOf = (n: number) => `ap-northeast-1${'acd'[n % 3]}`;

function large(hosts: number): DeploymentRecord {
  const numbers = Array.from({ length: hosts }, (_, n) => n);
  const column = (from: number) => pack(numbers.map((n) => from + (n % 97)));
  return recordOf(
    {
      ...DEPLOYED,
      oldHosts: aSnapshot({ hosts: numbers.map((n) => anOldHost(id(n), { zone: zoneOf(n) })) }),
      launch: aLaunch({
        instances: numbers.map((n) => ({
          instanceId: id(10_000 + n),
          zone: zoneOf(n),
          instanceType: 't4g.small',
        })),
      }),
      readiness: over(12, 250, {
        seen: { running: column(20), registered: column(60), inService: column(90) },
      }),
      shift: { done: true, reason: 'taken out', at: iso(255) },
      drain: over(256, 360, { seen: { drained: column(260) } }),
      bake: over(360, 400),
      termination: over(400, 500, { seen: { terminated: column(401) } }),
    },
    at(520),
  );
}

describe('The page of a large fleet', () => {
  const record = large(500);
  const page = timelinePage(record);

  it('of 500 hosts has less than 150 kB, and its record stays small too', () => {
    expect(Buffer.byteLength(page)).toBeLessThan(150_000);
    expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThan(150_000);
  });

  it('shows the median host of each zone and the slowest, and says that these are not all', () => {
    const text = textOf(page);
    expect(text).toContain('the median of 167 in ap-northeast-1a');
    expect(text).toContain('the slowest');
    expect(text).toMatch(/New hosts ?: 7 of 500; the record has them all/);
  });

  it('counts all of them in the picture of who served', () =>
    expect(page).toContain('aria-label="500 hosts in service before, never fewer since, 1000 at most."'));

  it('names the failed ones whatever their number', () => {
    const failed = [id(10_007), id(10_400)];
    const timeline = record.timeline && { ...record.timeline, failed };
    const drawn = timelinePage({ ...record, ...(timeline && { timeline }) });
    for (const each of failed) expect(textOf(drawn)).toContain(`${each} named by the failure`);
  });

  it('shows all hosts of a fleet of 24', () =>
    expect(textOf(timelinePage(large(24)))).not.toContain('the median of'));
});

describe('A record', () => {
  it('of a deployment that compared old and new hosts has both, and marks what is worse', () => {
    const compared = [
      { metric: 'custom.<5xx>', old: 6, new: 18, times: 3, atMost: 12 },
      { metric: 'memory.used', new: 900_000_000 },
    ];
    const text = textOf(timelinePage({ ...rolledBack, compared }));
    expect(text).toMatch(
      /Old against new .* custom\.&lt;5xx&gt; 6 18, worse 3 12 memory\.used – 900,000,000 – –/,
    );
    expect(timelinePage(rolledBack)).not.toContain('Old against new');
  });

  it('from before there were timelines has a page without the picture', () => {
    const { timeline, instanceTypes, ...old } = rolledBack;
    const text = textOf(timelinePage(old));
    expect(text).toContain('RolledBack shop Sun 1 Mar 2026');
    expect(text).toContain('bring up 88 s');
    expect(text).toContain('New: i-new1, i-new2');
    expect(timelinePage(old)).not.toContain('<figure');
  });

  it('of a refusal has no timeline: it changed nothing', () => {
    const refused = { ...DEPLOYED, failure: failedBy('FleetWouldShrink') };
    const { launch, readiness, shift, drain, bake, termination, retirement, ...agreed } = refused;
    expect(recordOf(agreed, at(5), { error: 'FleetWouldShrink', cause: 'x' })).not.toHaveProperty('timeline');
  });

  it('of looks that are older than the timeline claims nothing about who served', () => {
    const unseen = recordOf({ ...DEPLOYED, readiness: over(12, 98), drain: over(101, 110) }, at(400));
    expect(textOf(timelinePage(unseen))).not.toContain('In service 2 before');
  });

  it('of a fleet without a load balancer has hosts that serve once they are registered', () => {
    const worker = { ...DEPLOYED, fleet: aFleet({ loadBalancers: [] }) };
    const page = timelinePage(recordOf(worker, at(400)));
    expect(page).toContain('boots, starts the application 35 s; new, in service 5 min 40 s."');
    expect(page).not.toContain('>In service</th>');
  });

  it('of a first deployment has no old host', () =>
    expect(
      textOf(timelinePage(recordOf({ ...DEPLOYED, oldHosts: aSnapshot({ hosts: [] }) }, at(400)))),
    ).toContain('There was no old host.'));

  it('that was rolled back to, against a freeze, says so', () => {
    const text = textOf(timelinePage({ ...deployed, rolledBackTo: 'deploy-0', override: ['freeze'] }));
    expect(text).toContain('Rolled back to deploy-0 Overrides freeze');
  });
});

describe('Moments', () => {
  it.each([
    [iso(0), iso(400), 'Sun 1 Mar 2026, 09:00:00 to 09:06:40 UTC'],
    [
      '2026-12-31T23:59:50Z',
      '2027-01-01T00:10:00Z',
      'Thu 31 Dec 2026, 23:59:50 to Fri 1 Jan 2027, 00:10:00 UTC',
    ],
  ])('from %s to %s are told with their dates', (from, to, told) => expect(period(from, to)).toBe(told));

  it.each([1, 59, 400, 3_599, 40_000, 86_400, 1_000_000])('an axis of %i s has few marks', (total) => {
    const all = marks(total);
    expect(all.length).toBeLessThanOrEqual(8);
    expect(all.at(-1)?.seconds).toBeLessThanOrEqual(total);
    expect(new Set(all.map(({ label }) => label)).size).toBe(all.length);
  });
});
