/** What every EC2 behind the port does: the adapter in front of an emulator, and the modelled world. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ec2, LaunchRequest } from '../../lambdas/ports/ec2.ts';

export interface Ec2Subject {
  readonly ec2: Ec2;
  /** Two subnets of one VPC, in different zones. */
  readonly subnetIds: readonly [string, string];
  readonly imageId: string;
  readonly instanceType: string;
  readonly launchTemplate: LaunchRequest['launchTemplate'];
  /** A search, and the id of the newest image that matches it. */
  readonly search: Parameters<Ec2['matchingImages']>[0];
  /** What it finds. */
  readonly matchingImageIds: readonly string[];
  readonly honours: {
    /** The same token launches once. moto stores the token and launches again. */
    readonly clientToken: boolean;
    /** A launch template that does not exist is refused. moto crashes. */
    readonly launchTemplates: boolean;
  };
  /** Lets time pass until what was launched runs and what was terminated is terminated. */
  settle(): Promise<void>;
  /** Makes version 2 of the launch template, with user data and protected from termination. */
  addTemplateVersion(): Promise<unknown>;
  /** Switches on termination protection. */
  protect(instanceId: string): Promise<void>;
  stop(): Promise<void>;
}

export function ec2Contract(title: string, arrange: () => Promise<Ec2Subject>): void {
  describe(`EC2: ${title}`, () => {
    let subject: Ec2Subject;
    let ec2: Ec2;
    beforeEach(async () => {
      subject = await arrange();
      ec2 = subject.ec2;
    });
    afterEach(() => subject.stop());

    const request = (more: Partial<LaunchRequest> = {}): LaunchRequest => ({
      clientToken: 'token-1',
      count: 2,
      subnetId: subject.subnetIds[0],
      imageId: subject.imageId,
      instanceType: subject.instanceType,
      launchTemplate: subject.launchTemplate,
      userData: '#!/bin/sh\n',
      tags: { 'irekae:deployment': 'd-1', Name: 'blog-app' },
      ...more,
    });
    const launch = async (more: Partial<LaunchRequest> = {}) => {
      const launched = await ec2.launch(request(more));
      await subject.settle();
      return launched.map(({ instanceId }) => instanceId).sort();
    };
    const listed = async (deployment = 'd-1') =>
      (await ec2.listByTag('irekae:deployment', deployment)).map(({ instanceId }) => instanceId).sort();
    const stateOf = async (id: string) => (await ec2.describe([id]))[0]?.state;

    describe('launching', () => {
      it('answers as many pending instances as were asked for', async () => {
        const launched = await ec2.launch(request({ count: 3 }));
        expect(new Set(launched.map(({ instanceId }) => instanceId)).size).toBe(3);
        for (const instance of launched) {
          expect(instance).toMatchObject({
            state: 'pending',
            subnetId: subject.subnetIds[0],
            imageId: subject.imageId,
            instanceType: subject.instanceType,
            tags: { 'irekae:deployment': 'd-1', Name: 'blog-app' },
          });
        }
      });

      it('ends in running instances that carry their tags, in the zone of their subnet', async () => {
        const ids = await launch({ subnetId: subject.subnetIds[1] });
        const [subnet] = await ec2.subnets([subject.subnetIds[1]]);
        const described = await ec2.describe(ids);
        expect(described).toHaveLength(2);
        for (const instance of described) {
          expect(instance).toMatchObject({
            state: 'running',
            zone: subnet?.zone,
            subnetId: subject.subnetIds[1],
            tags: { 'irekae:deployment': 'd-1' },
          });
          expect(instance).not.toHaveProperty('stateReason');
        }
      });

      it('launches nothing new for the same token and request', async ({ skip }) => {
        skip(!subject.honours.clientToken, 'this stand-in does not honour client tokens');
        const first = await launch();
        expect(await launch()).toEqual(first);
        expect(await listed()).toEqual(first);
      });

      it('refuses the same token with another request', async ({ skip }) => {
        skip(!subject.honours.clientToken, 'this stand-in does not honour client tokens');
        await launch();
        await expect(ec2.launch(request({ count: 3 }))).rejects.toMatchObject({ name: 'LaunchRefused' });
      });

      it('launches again under another token', async () => {
        const first = await launch();
        const second = await launch({ clientToken: 'token-2' });
        expect(await listed()).toEqual([...first, ...second].sort());
      });

      it('is refused in a subnet that does not exist', async () => {
        await expect(ec2.launch(request({ subnetId: 'subnet-0123456789abcdef0' }))).rejects.toMatchObject({
          name: 'LaunchRefused',
        });
      });

      it('is refused from a launch template that does not exist', async ({ skip }) => {
        skip(!subject.honours.launchTemplates, 'this stand-in does not look launch templates up');
        const launchTemplate = { id: 'lt-0123456789abcdef0', version: '1' };
        await expect(ec2.launch(request({ launchTemplate }))).rejects.toMatchObject({
          name: 'LaunchRefused',
        });
      });
    });

    describe('describing', () => {
      it('leaves out an id that EC2 does not know', async () => {
        const [id = ''] = await launch({ count: 1 });
        const described = await ec2.describe([id, 'i-0123456789abcdef0']);
        expect(described.map(({ instanceId }) => instanceId)).toEqual([id]);
      });

      it('answers nothing for no ids', async () => {
        await launch();
        expect(await ec2.describe([])).toEqual([]);
      });

      it('finds by tag what several launches brought up, and nothing else', async () => {
        const first = await launch();
        const second = await launch({ clientToken: 'token-2', subnetId: subject.subnetIds[1] });
        const other = await launch({ clientToken: 'token-3', tags: { 'irekae:deployment': 'd-2' } });
        expect(await listed()).toEqual([...first, ...second].sort());
        expect(await listed('d-2')).toEqual(other);
        expect(await listed('d-3')).toEqual([]);
      });
    });

    describe('terminating', () => {
      it('refuses an empty list', async () => {
        await expect(ec2.terminate([])).rejects.toMatchObject({ name: 'TerminationRefused' });
      });

      it('ends in terminated instances with a reason, which are not listed anymore', async () => {
        const [gone = '', kept = ''] = await launch();
        expect(await ec2.terminate([gone])).toEqual({ refused: [] });
        await subject.settle();
        expect(await ec2.describe([gone])).toMatchObject([
          { state: 'terminated', stateReason: expect.stringContaining('User') },
        ]);
        expect(await listed()).toEqual([kept]);
        expect(await stateOf(kept)).toBe('running');
      });

      it('may be repeated', async () => {
        const ids = await launch();
        await ec2.terminate(ids);
        expect(await ec2.terminate(ids)).toEqual({ refused: [] });
        await subject.settle();
        expect(await ec2.terminate(ids)).toEqual({ refused: [] });
      });

      it('counts an id that EC2 does not know as done, and terminates the rest', async () => {
        const [id = ''] = await launch({ count: 1 });
        expect(await ec2.terminate(['i-0123456789abcdef0', id])).toEqual({ refused: [] });
        await subject.settle();
        expect(await stateOf(id)).toBe('terminated');
      });

      it('answers which one is protected, and terminates the rest', async () => {
        const [guarded = '', free = ''] = await launch();
        await subject.protect(guarded);
        expect(await ec2.terminate([guarded, free])).toEqual({
          refused: [{ id: guarded, reason: expect.stringContaining('disableApiTermination') }],
        });
        await subject.settle();
        expect(await stateOf(guarded)).toBe('running');
        expect(await stateOf(free)).toBe('terminated');
      });
    });

    describe('tagging', () => {
      it('adds a tag to those that are there, and gives it another value the next time', async () => {
        const [id = ''] = await launch({ count: 1 });
        await ec2.tag(id, { 'irekae:keep-until': 'noon' });
        await ec2.tag(id, { 'irekae:keep-until': 'night' });
        expect((await ec2.describe([id]))[0]?.tags).toMatchObject({
          'irekae:deployment': 'd-1',
          Name: 'blog-app',
          'irekae:keep-until': 'night',
        });
        expect(await ec2.listByTag('irekae:keep-until', 'noon')).toEqual([]);
        expect(await ec2.listByTag('irekae:keep-until', 'night')).toMatchObject([{ instanceId: id }]);
      });
    });

    describe('the console', () => {
      it('is text once the instance has booted', async () => {
        const [id = ''] = await launch({ count: 1 });
        expect(await ec2.consoleOutput(id)).toMatch(/Linux version/);
      });

      it('is empty for an id that EC2 does not know', async () => {
        expect(await ec2.consoleOutput('i-0123456789abcdef0')).toBe('');
      });
    });

    describe('images', () => {
      it('are found by id', async () => {
        expect(await ec2.findImage(subject.imageId)).toMatchObject({
          imageId: subject.imageId,
          state: 'available',
          createdAt: expect.any(Date),
        });
      });

      it('are undefined when there is no such image', async () => {
        expect(await ec2.findImage('ami-0123456789abcdef0')).toBeUndefined();
      });

      it('are searched', async () => {
        const found = await ec2.matchingImages(subject.search);
        expect(found.map(({ imageId }) => imageId).sort()).toEqual(subject.matchingImageIds);
      });

      it('are none when none matches', async () => {
        const tags = { ...subject.search.tags, Role: 'nobody has this' };
        expect(await ec2.matchingImages({ ...subject.search, tags })).toEqual([]);
      });
    });

    describe('a launch template', () => {
      it('tells of its version, and which is the newest', async () => {
        const { id } = subject.launchTemplate;
        const found = await ec2.templateVersion(id, '1');
        expect(found).toMatchObject({ id, version: '1', isTerminationProtected: false, hasUserData: false });
        await subject.addTemplateVersion();
        const newest = { id, version: '2', isTerminationProtected: true, hasUserData: true };
        expect(await ec2.templateVersion(id, 'newest')).toMatchObject(newest);
        expect(await ec2.templateVersion(id, '2')).toMatchObject(newest);
        expect(await ec2.templateVersion(id, '1')).toEqual(found);
      });

      it('that does not exist, or has no such version, is unknown', async () => {
        expect(await ec2.templateVersion('lt-0123456789abcdef0', 'newest')).toBeUndefined();
        expect(await ec2.templateVersion('lt-0123456789abcdef0', '1')).toBeUndefined();
        expect(await ec2.templateVersion(subject.launchTemplate.id, '99')).toBeUndefined();
      });
    });

    describe('subnets', () => {
      it('tell their VPC, zone and free addresses; an unknown one is absent', async () => {
        const found = await ec2.subnets([...subject.subnetIds, 'subnet-0123456789abcdef0']);
        expect(found.map(({ subnetId }) => subnetId).sort()).toEqual([...subject.subnetIds].sort());
        expect(new Set(found.map(({ vpcId }) => vpcId)).size).toBe(1);
        expect(new Set(found.map(({ zone }) => zone)).size).toBe(2);
        for (const { freeAddresses } of found) expect(freeAddresses).toBeGreaterThan(0);
      });
    });
  });
}
