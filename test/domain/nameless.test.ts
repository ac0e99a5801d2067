import { describe, expect, it } from 'vitest';
import { isNamelessOf, judgeNameless } from '../../lambdas/domain/hosts/nameless.ts';
import { standings } from '../../lambdas/domain/hosts/readiness.ts';
import type { MackerelHost } from '../../lambdas/ports/mackerel.ts';
import { aLaunch, at } from '../support/deployments.ts';
import { aHost, aNewInstance } from '../support/facts.ts';
import { failure } from '../support/failures.ts';

/** Launched at 10. */
const INSTANCE = aNewInstance('i-new1', { address: '10.0.1.23' });

const anEntry = (changes: Partial<MackerelHost> = {}): MackerelHost => ({
  id: '4Hk',
  name: 'ip-10-0-1-23',
  status: 'working',
  addresses: ['172.17.0.1', '10.0.1.23'],
  createdAt: at(40),
  ...changes,
});

const lackOf = (hosts: readonly MackerelHost[]) =>
  standings([{ instanceId: 'i-new1', zone: 'a', instanceType: 't' }], {
    instances: [INSTANCE],
    hosts,
    members: new Map(),
  })[0];

describe('An entry without an instance id', () => {
  it.each<[string, readonly MackerelHost[], string]>([
    [
      'at its address',
      [anEntry()],
      'registered in Mackerel as ip-10-0-1-23 (Mackerel host 4Hk), but without its EC2 instance id',
    ],
    [
      'at its address, from before its launch',
      [anEntry({ createdAt: at(9) })],
      'not registered in Mackerel yet',
    ],
    ['at another address', [anEntry({ addresses: ['10.0.1.2'] })], 'not registered in Mackerel yet'],
    [
      'at an address that begins alike',
      [anEntry({ addresses: ['10.0.1.230'] })],
      'not registered in Mackerel yet',
    ],
    ['with no address', [anEntry({ addresses: [] })], 'not registered in Mackerel yet'],
    ['beside one that has it', [anEntry(), aHost('i-new1')], ''],
  ])('%s is told as what it is', (_, hosts, lacks) => {
    expect(lackOf(hosts)).toMatchObject({ rung: lacks === '' ? 'ready' : 'running', lacks });
  });

  it.each<[string, number, readonly MackerelHost[], number, boolean]>([
    ['is given time to say it', 69, [anEntry()], 0, false],
    ['ends the wait within a minute', 70, [anEntry()], 0, true],
    ['is borne where it may be replaced', 100, [anEntry()], 1, false],
    ['does not matter beside one that has it', 100, [anEntry(), aHost('i-new1')], 0, false],
    ['ends nothing when nothing proves whose it is', 100, [anEntry({ addresses: ['172.17.0.2'] })], 0, false],
    ['that had its address before it ends nothing', 100, [anEntry({ createdAt: at(9) })], 0, false],
  ])('%s', (_, second, hosts, most, ends) => {
    const judged = () => judgeNameless({ instances: [INSTANCE], hosts }, at(second), most);
    if (!ends) return expect(judged).not.toThrow();
    expect(judged).toThrow(
      failure(
        'NewHostsNotReady',
        /without an EC2 instance id: i-new1 as ip-10-0-1-23 \(Mackerel host 4Hk\).*metadataHopLimit: 2/,
      ),
    );
  });

  it.each<[string, MackerelHost, boolean]>([
    ['nothing proves whose it is', anEntry({ addresses: ['172.17.0.2'] }), true],
    ['from before the launch', anEntry({ addresses: [], createdAt: at(9) }), false],
    ['its address proves it', anEntry(), false],
    ['it has one', aHost('i-other', { createdAt: at(40) }), false],
  ])('is named as perhaps a new one: %s', (_, host, named) => {
    expect(judgeNameless({ instances: [INSTANCE], hosts: [host] }, at(41), 0)).toMatch(
      named ? /\(Mackerel host 4Hk\) without/ : /^$/,
    );
  });

  const launch = {
    ...aLaunch(),
    at: at(30).toISOString(),
    instances: [{ instanceId: 'i-new1', zone: 'a', instanceType: 't', address: '10.0.1.23' }],
    replaced: [{ instanceId: 'i-slow', why: 'slow', address: '10.0.1.24' }],
  };
  it.each<[string, MackerelHost, readonly string[], boolean]>([
    ['of one that ended', anEntry(), ['i-new1'], true],
    ['of a straggler that was replaced', anEntry({ addresses: ['10.0.1.24'] }), ['i-slow'], true],
    ['of one that goes on', anEntry(), ['i-slow'], false],
    ['of a try whose answer was lost', anEntry({ createdAt: at(-500) }), ['i-new1'], true],
    ['from before all tries of the launch', anEntry({ createdAt: at(-571) }), ['i-new1'], false],
    ['of nobody that is known', anEntry({ addresses: ['10.0.9.9'] }), ['i-new1', 'i-slow'], false],
  ])('is retired only where it is %s', (_, host, ids, isOurs) => {
    expect(isNamelessOf(host, launch, ids)).toBe(isOurs);
  });
});
