import { describe, expect, it } from 'vitest';
import { movedOn, triesOf, tryOf, writtenIn } from '../../lambdas/domain/launch/capacity.ts';
import { aFleet } from '../support/fleets.ts';

const FLEET = aFleet({
  instanceTypes: ['t4g.small', 't4g.medium'],
  subnets: ['subnet-a', 'subnet-c', 'subnet-d'],
  spillOver: true,
});
const told = (tries: ReturnType<typeof triesOf>) =>
  tries.map((each) => `${each.instanceType} ${each.subnetId}`);
const subnets = (free: Readonly<Record<string, number>>) =>
  Object.entries(free).map(([subnetId, freeAddresses]) => ({
    subnetId,
    vpcId: 'vpc-1',
    zone: subnetId,
    freeAddresses,
  }));

describe('triesOf', () => {
  it('stays in the zone unless the fleet allows others', () =>
    expect(told(triesOf({ ...FLEET, spillOver: false }, 'subnet-c'))).toEqual([
      't4g.small subnet-c',
      't4g.medium subnet-c',
    ]));

  it('sends the shares of two zones to different ones first', () => {
    const firstElsewhere = (home: string) => triesOf(FLEET, home)[2]?.subnetId;
    expect(FLEET.subnets.map(firstElsewhere)).toEqual(['subnet-c', 'subnet-d', 'subnet-a']);
  });

  it('tries each type in each subnet once', () => {
    for (const home of FLEET.subnets) expect(new Set(told(triesOf(FLEET, home))).size).toBe(6);
  });
});

describe('movedOn', () => {
  it('moves only those that were turned down, by one', () =>
    expect(movedOn(FLEET, { 'subnet-a': 1 }, ['subnet-c'], [])).toEqual({ 'subnet-a': 1, 'subnet-c': 1 }));

  it('passes subnets without addresses for the whole share', () => {
    const moved = movedOn(FLEET, { 'subnet-a': 1 }, ['subnet-a'], subnets({ 'subnet-c': 0, 'subnet-d': 1 }));
    expect(tryOf(FLEET, moved, 'subnet-a')).toEqual({ subnetId: 'subnet-d', instanceType: 't4g.small' });
  });

  it('takes a subnet that EC2 does not describe for full', () =>
    expect(tryOf(FLEET, movedOn(FLEET, { 'subnet-a': 1 }, ['subnet-a'], []), 'subnet-a')).toBeUndefined());

  it('does not give the same addresses to two shares', () => {
    const fleet = { ...FLEET, instanceTypes: ['t4g.small'] };
    const atTheDoor = { 'subnet-a': 1, 'subnet-c': 0 };
    const moved = movedOn(fleet, atTheDoor, ['subnet-a', 'subnet-c'], subnets({ 'subnet-d': 1 }));
    expect(tryOf(fleet, moved, 'subnet-a')?.subnetId).toBe('subnet-d');
    expect(tryOf(fleet, moved, 'subnet-c')).toBeUndefined();
  });

  it('leaves no try when all are behind', () =>
    expect(tryOf(FLEET, movedOn(FLEET, { 'subnet-a': 5 }, ['subnet-a'], []), 'subnet-a')).toBeUndefined());
});

describe('writtenIn', () => {
  it.each([[undefined], ['{}'], ['{"launching":"x"}'], ['null']])('is at the beginning for %j', (document) =>
    expect(writtenIn(document)).toEqual({ launching: {}, launched: {} }),
  );

  it('is what the launch wrote down', () =>
    expect(writtenIn('{"fleet":{},"launching":{"subnet-a":2}}')).toEqual({
      launching: { 'subnet-a': 2 },
      launched: {},
    }));

  it('is what was launched, too', () => {
    const launched = { 'subnet-a': [{ instanceId: 'i-1', zone: 'a', instanceType: 't4g.small' }] };
    expect(writtenIn(JSON.stringify({ launching: {}, launched })).launched).toEqual(launched);
  });
});
