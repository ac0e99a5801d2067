/** Telling how a deployment ended is best effort: it never changes the ending, and never takes longer than it may. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AWS_CLIENT_OPTIONS } from '../../lambdas/clients/wire/aws-options.ts';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { STEPS } from '../../lambdas/domain/core/steps.ts';
import { endingOf } from '../../lambdas/domain/record/ending.ts';
import { recordOf } from '../../lambdas/domain/record/record.ts';
import { MOST_SECONDS, tellEnding } from '../../lambdas/domain/record/telling.ts';
import type { MachineEvent, Message } from '../../lambdas/ports/announcer.ts';
import type { MackerelHost } from '../../lambdas/ports/mackerel.ts';
import {
  agreed,
  aLaunch,
  aLook,
  at,
  baked,
  endOf,
  failedBy,
  iso,
  NEW,
  ZONES,
} from '../support/deployments.ts';
import { aHost, allWell } from '../support/facts.ts';
import { failing, type Methods, portsWith } from '../support/ports.ts';

const DEPLOYED = baked({
  termination: aLook({ ready: true, at: iso(190) }),
  retirement: { reason: '2 hosts retired', at: iso(191) },
});

function ears(methods: Methods = {}) {
  const messages: Message[] = [];
  const events: MachineEvent[] = [];
  const ports = portsWith({
    announcer: {
      tellPeople: async (message) => void messages.push(message),
      tellMachines: async (event) => void events.push(event),
      ...methods.announcer,
    },
    mackerel: {
      hosts: async () => allWell().hosts,
      annotate: async () => {},
      postServiceMetrics: async () => {},
      setMetadata: async () => ({ refused: [] }),
      ...methods.mackerel,
    },
  });
  const tell = (deployment: Deployment = DEPLOYED) => {
    const ending = deployment.failure ? endingOf(deployment, endOf(deployment)) : undefined;
    return tellEnding(deployment, recordOf(deployment, at(200), ending), ports);
  };
  return { ports, tell, messages, events };
}
const told = (calls: readonly string[]) => calls.map((call) => call.split(' ')[0]).sort();
const warnings = (lines: readonly string[]) => lines.filter((line) => line.startsWith('warn: '));

const EVERYBODY = [
  'announcer.tellMachines',
  'announcer.tellPeople',
  'mackerel.annotate',
  'mackerel.hosts',
  'mackerel.postServiceMetrics',
  'mackerel.setMetadata',
];

describe('The end of a deployment', () => {
  it('is told to everybody, once', async () => {
    const { ports, tell, messages, events } = ears();
    await tell();
    expect(told(ports.calls)).toEqual(EVERYBODY);
    expect(ports.lines).toEqual(['info: The deployment ended: deployed']);
    expect(messages.map(({ subject }) => subject)).toEqual(['Deployed: shop, in 3 min 20 s']);
    expect(events).toEqual([
      {
        detailType: 'Deployment ended',
        detail: expect.objectContaining({ deployment: 'deploy-2', result: 'deployed' }),
        resources: ['arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop:deploy-2'],
        at: at(200),
      },
    ]);
  });

  it('leaves no mark in Mackerel when nothing was launched', async () => {
    const { ports, tell } = ears();
    await tell(agreed({ failure: failedBy('FleetWouldShrink') }));
    expect(told(ports.calls)).toEqual(['announcer.tellMachines', 'announcer.tellPeople']);
  });

  it('leaves no release on the hosts when it failed', async () => {
    const { ports, tell } = ears();
    await tell(baked({ failure: failedBy('OldHostsNotTerminated') }));
    expect(told(ports.calls)).not.toContain('mackerel.setMetadata');
    expect(told(ports.calls)).toContain('mackerel.annotate');
  });

  it('of a dry run is nobody’s business but the asker’s', async () => {
    const { ports, tell } = ears();
    await tell(agreed({ input: { dryRun: true }, failure: failedBy('FleetWouldShrink') }));
    expect([ports.calls, ports.lines]).toEqual([[], []]);
  });

  it.each(EVERYBODY.map((call) => call.split('.') as ['mackerel' | 'announcer', string]))(
    'is told to all the others when %s.%s fails, be it by a bug',
    async (port, method) => {
      const fails = [failing('ServiceUnavailable'), failing('ServiceRefused'), async () => JSON.parse('{')];
      for (const fail of fails) {
        const { ports, tell } = ears({ [port]: { [method]: fail } });
        const lost = await tell();
        expect(lost).toEqual([expect.stringMatching(/^Could not /)]);
        const others = method === 'hosts' ? EVERYBODY.slice(0, -1) : EVERYBODY;
        expect(told(ports.calls)).toEqual(others);
        expect(warnings(ports.lines)).toEqual([expect.stringMatching(/^warn: Could not /)]);
      }
    },
  );

  it('is told without the message of an error that is not ours: it may quote a request', async () => {
    const secret = async () => {
      throw new TypeError('X-Api-Key: 4f1d0c2b');
    };
    const { ports, tell } = ears({ announcer: { tellPeople: secret } });
    await tell();
    expect(warnings(ports.lines)).toEqual(['warn: Could not tell people: TypeError']);
  });

  it('is no crash when the news themselves cannot be put together', async () => {
    const { ports } = ears();
    const record = recordOf(DEPLOYED, at(200));
    await tellEnding(DEPLOYED, { ...record, reason: undefined as never }, ports);
    expect(ports.lines).toEqual(['warn: Could not tell how the deployment ended: TypeError']);
  });
});

describe('The release on the new hosts', () => {
  const launchedMany = (count: number): Deployment => ({
    ...DEPLOYED,
    launch: aLaunch({
      instances: Array.from({ length: count }, (_, n) => ({
        instanceId: `i-new${n}`,
        zone: ZONES[0],
        instanceType: 't4g.small',
      })),
    }),
  });
  const hostsOf = (count: number): MackerelHost[] =>
    Array.from({ length: count }, (_, n) => aHost(`i-new${n}`));

  it('is written to the new hosts alone, all entries of one that registered twice included', async () => {
    const asked: (readonly string[])[] = [];
    const { tell } = ears({
      mackerel: {
        hosts: async () => [...allWell().hosts, aHost(NEW[0], { id: 'again' })],
        setMetadata: async (ids) => {
          asked.push(ids);
          return { refused: [] };
        },
      },
    });
    await tell();
    expect(asked).toEqual([[...NEW.map((id) => `host of ${id}`), 'again']]);
  });

  it('names the hosts that did not take it, and goes on with the rest', async () => {
    const asked: string[] = [];
    const { ports, tell } = ears({
      mackerel: {
        hosts: async () => hostsOf(250),
        setMetadata: async (ids) => {
          asked.push(...ids);
          return { refused: ids.slice(0, 1).map((id) => ({ id, reason: '400: retired' })) };
        },
      },
    });
    await tell(launchedMany(250));
    expect(asked).toHaveLength(250);
    expect(warnings(ports.lines)).toEqual([
      'warn: Mackerel rejected the metadata for host of i-new0 (400: retired)',
      'warn: Mackerel rejected the metadata for host of i-new128 (400: retired)',
      'warn: 248 of 250 new hosts have their release recorded in Mackerel',
    ]);
  });

  it('is missed where Mackerel does not list a host', async () => {
    const { ports, tell } = ears({ mackerel: { hosts: async () => [aHost(NEW[0])] } });
    await tell();
    expect(warnings(ports.lines)).toEqual(['warn: 1 of 2 new hosts have their release recorded in Mackerel']);
  });
});

describe('Telling takes no longer than 25 s', () => {
  beforeEach(() => void vi.useFakeTimers({ now: at(200) }));
  afterEach(() => void vi.useRealTimers());

  it.each(EVERYBODY.map((call) => call.split('.') as ['mackerel' | 'announcer', string]))(
    'when %s.%s never answers',
    async (port, method) => {
      const { ports, tell } = ears({ [port]: { [method]: () => new Promise(() => {}) } });
      const telling = tell();
      await vi.advanceTimersByTimeAsync(24_900);
      expect(warnings(ports.lines)).toEqual([]);
      await vi.advanceTimersByTimeAsync(200);
      await telling;
      expect(warnings(ports.lines)).toEqual([
        'warn: Not all notifications were sent within 25 s; the step continues.',
      ]);
    },
  );

  it.each(['record-the-release', 'record-the-failure'] as const)(
    'which %s has, however often S3 has to be asked for the record, the release and the page before',
    (step) => {
      const { maxAttempts, requestHandler } = AWS_CLIENT_OPTIONS;
      const write = (maxAttempts * requestHandler.requestTimeout) / 1_000;
      expect(STEPS[step].seconds).toBeGreaterThan(3 * write + MOST_SECONDS);
    },
  );

  it('and leaves no timer behind when all was told at once', async () => {
    await ears().tell();
    expect(vi.getTimerCount()).toBe(0);
  });
});
