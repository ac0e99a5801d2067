import { describe, expect, it } from 'vitest';
import { lookBefore } from '../../lambdas/domain/hosts/comparing.ts';
import type { Mackerel } from '../../lambdas/ports/mackerel.ts';
import { at } from '../support/deployments.ts';
import { aFleet } from '../support/fleets.ts';
import { portsWith } from '../support/ports.ts';

const fleet = aFleet({ compare: [{ metric: 'custom.nginx.5xx', atMostTimes: 2, from: 5 }] });

/** @returns the Mackerel hosts that were asked about, each once. */
async function askedAbout(hosts: Parameters<typeof lookBefore>[1]): Promise<string[]> {
  const asked = new Set<string>();
  const metrics: Mackerel['metrics'] = async (hostId) => {
    asked.add(hostId);
    return [];
  };
  await lookBefore(fleet, hosts, portsWith({ mackerel: { metrics } }, at(0)));
  return [...asked];
}

const hosts = (many: number, served = true) =>
  Array.from({ length: many }, (_, index) => ({ hostIds: [`host-${index}`, `older-${index}`], served }));

describe('How the old hosts are', () => {
  it('is asked of those that serve, by the newest of their Mackerel hosts', async () =>
    expect(await askedAbout([...hosts(2), { hostIds: ['host-kept'], served: false }])).toEqual([
      'host-0',
      'host-1',
    ]));

  it('is asked of nobody where none serves, or nothing is compared', async () => {
    expect(await askedAbout(hosts(3, false))).toEqual([]);
    expect(await lookBefore(aFleet(), hosts(3), portsWith({}, at(0)))).toEqual([]);
  });

  it('is asked of ten at most, which are spread over all: their zones stand one after the other', async () =>
    expect(await askedAbout(hosts(25))).toEqual(
      [0, 2, 5, 7, 10, 12, 15, 17, 20, 22].map((index) => `host-${index}`),
    ));
});
