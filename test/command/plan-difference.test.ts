/** A plan as a difference: which part changes, and which new host stands for which old one. */
import { describe, expect, it } from 'vitest';
import { hostChanges, hostLines, type Plan, partLines, partsOf } from '../../bin/command/plan-difference.ts';
import type { Instance } from '../../lambdas/ports/ec2.ts';
import { layOut } from '../../lib/terminal/layout.ts';

const plan: Plan = {
  reason: 'r',
  release: { artifact: 'a', versionId: 'v2', sha256: 's', runtimes: ['perl version p2'], imageId: 'ami-2' },
  before: {
    deployment: 'd1',
    versionId: 'v1',
    imageId: 'ami-1',
    runtimes: [
      { key: 'perl', versionId: 'p1' },
      { key: 'ruby', versionId: 'r1' },
    ],
  },
  launchTemplate: { id: 'lt-1', version: '4' },
  launch: [
    { subnet: 'subnet-a', instances: 1, tries: ['m.small in subnet-a', 'm.large in subnet-b'] },
    { subnet: 'subnet-b', instances: 1, tries: ['m.small in subnet-b'] },
  ],
  replace: ['i-1', 'i-2'],
  leaveAlone: [],
  earliestFinish: { seconds: 1, parts: [] },
  advice: [],
  refusals: [],
};

const host = (instanceId: string, subnetId: string, more: Partial<Instance> = {}): Instance => ({
  instanceId,
  subnetId,
  state: 'running',
  launchedAt: new Date(0),
  zone: 'a',
  imageId: 'ami-1',
  instanceType: 'm.small',
  tags: { 'aws:ec2launchtemplate:id': 'lt-1', 'aws:ec2launchtemplate:version': '3' },
  ...more,
});

describe('Part by part', () => {
  const lines = (changed: Partial<Plan>, old: readonly Instance[] = []) =>
    layOut(partLines(partsOf({ ...plan, ...changed }, old))).map((line) =>
      line.replace(/^ +(\S+) +/, '$1: '),
    );

  it('what was and what would be, what goes and what stays', () => {
    expect(lines({}, [host('i-1', 'subnet-a'), host('i-2', 'subnet-b', { tags: {} })])).toEqual([
      'replaces: d1',
      'version: v1 → v2',
      'SHA-256: s',
      'image: ami-1 → ami-2',
      'runtime: perl version p1 → perl version p2',
      'runtime: ruby version r1 → none',
      'template: lt-1 version 3 and none → lt-1 version 4',
      'hosts: 2 (stays)',
    ]);
  });

  it('of a first deployment nothing was', () => {
    const { before: _, ...first } = plan;
    const found = layOut(partLines(partsOf({ ...first, replace: [] }, [])));
    expect(found.join('\n')).not.toContain('replaces');
    expect(found).toContain('  version   v2');
    expect(found).toContain('  hosts     0 → 2');
  });
});

describe('Host by host', () => {
  const lines = (changed: Partial<Plan>, old: readonly Instance[]) =>
    hostLines(hostChanges({ ...plan, ...changed }, old), 'ami-1');
  const both = [host('i-1', 'subnet-b'), host('i-2', 'subnet-a', { imageId: 'ami-0' })];

  it.each<[string, Partial<Plan>, readonly Instance[], readonly string[]]>([
    [
      'old and new stand together by their subnet',
      {},
      both,
      [
        '  subnet-a',
        '    i-2 m.small ami-0 → m.small, or m.large in subnet-b if there is no capacity',
        '  subnet-b',
        '    i-1 m.small → m.small',
      ],
    ],
    [
      'one more is launched than there are',
      { replace: ['i-1'] },
      both,
      [
        '  subnet-a',
        '    none → m.small, or m.large in subnet-b if there is no capacity',
        '  subnet-b',
        '    i-1 m.small → m.small',
      ],
    ],
    [
      'one goes from a subnet that the fleet has left',
      { replace: ['i-3'], launch: [] },
      [host('i-3', 'subnet-z')],
      ['  subnet-z', '    i-3 m.small → gone'],
    ],
    [
      'of whom EC2 tells nothing',
      { launch: [] },
      [],
      ['  in a subnet that is not known', '    i-1 → gone', '    i-2 → gone'],
    ],
  ])('%s', (_, changed, old, expected) => expect(lines(changed, old)).toEqual(expected));
});
