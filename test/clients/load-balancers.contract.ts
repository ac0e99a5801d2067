/** What every load balancer behind the port does, of either kind: adapter in front of an emulator, modelled world. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadBalancerRef, LoadBalancers } from '../../lambdas/ports/load-balancers.ts';

export interface LoadBalancersSubject {
  readonly loadBalancers: LoadBalancers;
  readonly ref: LoadBalancerRef;
  /** Of the same kind, and does not exist. */
  readonly missing: LoadBalancerRef;
  readonly vpcId: string;
  /** Two running hosts that pass their health checks and are not registered. */
  readonly hosts: readonly [string, string];
  readonly honours: {
    /** Nobody can be registered where there is no load balancer. moto's classic ELB crashes. */
    readonly missing: boolean;
    /** Registering twice is one registration. moto's classic ELB lists the host twice. */
    readonly setSemantics: boolean;
    /** Asked for by id, an unregistered host is told apart. moto's classic ELB says "Unknown", "N/A". */
    readonly absence: boolean;
    /** A registered host is not in service at once. moto's is. */
    readonly registrationLag: boolean;
    /** A deregistered host in service drains first. moto's is gone at once. */
    readonly draining: boolean;
  };
  /** Lets time pass until what was registered is in service and what was deregistered is drained. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

export function loadBalancersContract(title: string, arrange: () => Promise<LoadBalancersSubject>): void {
  describe(`Load balancers: ${title}`, () => {
    let subject: LoadBalancersSubject;
    let loadBalancers: LoadBalancers;
    let ref: LoadBalancerRef;
    let one: string;
    let two: string;
    beforeEach(async () => {
      subject = await arrange();
      ({ loadBalancers, ref } = subject);
      [one, two] = subject.hosts;
    });
    afterEach(() => subject.stop());

    const registerAndSettle = async (...ids: string[]) => {
      await loadBalancers.register(ref, ids);
      await subject.settle();
    };
    const memberIds = async () =>
      (await loadBalancers.members(ref)).map(({ instanceId }) => instanceId).sort();

    it('tells its settings', async () => {
      const settings = await loadBalancers.settings(ref);
      expect(settings).toMatchObject({ ref, vpcId: subject.vpcId });
      expect(settings.intervalSeconds).toBeGreaterThan(0);
      expect(settings.healthyThreshold).toBeGreaterThan(0);
      expect(settings.unhealthyThreshold).toBeGreaterThan(0);
      expect(settings.drainSeconds).toBeGreaterThanOrEqual(0);
      expect(settings.slowStartSeconds ?? 0).toBeGreaterThanOrEqual(0);
    });

    it('tells its zones if it is a classic one, and none if it is a target group', async () => {
      const { zones } = await loadBalancers.settings(ref);
      expect(zones.length > 0).toBe(ref.kind === 'classic');
    });

    it.each([
      ['settings', () => loadBalancers.settings(subject.missing)],
      ['members', () => loadBalancers.members(subject.missing)],
    ])('is unusable when it does not exist: %s', async (_, ask) => {
      await expect(ask()).rejects.toMatchObject({ name: 'LoadBalancerUnusable' });
    });

    it.for([
      ['register', () => loadBalancers.register(subject.missing, [one])],
      ['deregister', () => loadBalancers.deregister(subject.missing, [one])],
    ] as const)('is unusable when it does not exist: %s', async ([, ask], { skip }) => {
      skip(!subject.honours.missing, 'this stand-in does not know which load balancers there are');
      await expect(ask()).rejects.toMatchObject({ name: 'LoadBalancerUnusable' });
    });

    it('has no members at first', async () => {
      expect(await loadBalancers.members(ref)).toEqual([]);
      expect(await loadBalancers.members(ref, [])).toEqual([]);
    });

    it('lists who was registered, in service after a while', async () => {
      await registerAndSettle(one, two);
      const members = await loadBalancers.members(ref);
      expect(members.map(({ instanceId }) => instanceId).sort()).toEqual([one, two].sort());
      for (const member of members) expect(member).toMatchObject({ state: 'in-service', reason: '' });
    });

    it('takes a while to bring a host into service, and says why', async ({ skip }) => {
      skip(!subject.honours.registrationLag, 'this stand-in has no registration lag');
      await loadBalancers.register(ref, [one]);
      expect(await loadBalancers.members(ref, [one])).toMatchObject([
        { state: 'out-of-service', reason: expect.stringMatching(/./) },
      ]);
    });

    it('may be asked to register the same host again', async ({ skip }) => {
      skip(!subject.honours.setSemantics, 'this stand-in registers a host twice');
      await registerAndSettle(one);
      await registerAndSettle(one, one);
      expect(await loadBalancers.members(ref)).toMatchObject([{ instanceId: one, state: 'in-service' }]);
    });

    it('answers about those hosts alone that it is asked for', async () => {
      await registerAndSettle(one, two);
      expect(await loadBalancers.members(ref, [two])).toMatchObject([
        { instanceId: two, state: 'in-service' },
      ]);
    });

    it('leaves out a host that is not registered, also when asked for it', async ({ skip }) => {
      skip(!subject.honours.absence, 'this stand-in does not tell who is not registered');
      await registerAndSettle(one);
      expect(await loadBalancers.members(ref, [one, two])).toMatchObject([{ instanceId: one }]);
    });

    it('lets a host go after a while', async () => {
      await registerAndSettle(one, two);
      await loadBalancers.deregister(ref, [one]);
      await subject.settle();
      expect(await memberIds()).toEqual([two]);
    });

    it('drains a host before it lets go of it', async ({ skip }) => {
      skip(!subject.honours.draining, 'this stand-in does not drain');
      await registerAndSettle(one);
      await loadBalancers.deregister(ref, [one]);
      expect(await loadBalancers.members(ref, [one])).toMatchObject([{ state: 'draining' }]);
    });

    it('may be asked to deregister a host that is not registered', async () => {
      await registerAndSettle(one);
      await loadBalancers.deregister(ref, [two]);
      await loadBalancers.deregister(ref, [two]);
      expect(await memberIds()).toEqual([one]);
    });

    it('takes a host back that was deregistered', async () => {
      await registerAndSettle(one);
      await loadBalancers.deregister(ref, [one]);
      await registerAndSettle(one);
      expect(await loadBalancers.members(ref)).toMatchObject([{ instanceId: one, state: 'in-service' }]);
    });

    it('does not change when nobody is registered or deregistered', async () => {
      await registerAndSettle(one);
      await loadBalancers.register(ref, []);
      await loadBalancers.deregister(ref, []);
      expect(await memberIds()).toEqual([one]);
    });
  });
}
