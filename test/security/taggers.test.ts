/** An attacker who may tag any instance tries to have it terminated, to have one spared, or to lock a fleet. */
import { describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { launchTokens } from '../../lambdas/domain/core/names.ts';
import { expiredKept } from '../../lambdas/domain/hosts/kept.ts';
import { removalCandidates } from '../../lambdas/domain/hosts/removal.ts';
import { decideSnapshot } from '../../lambdas/domain/hosts/snapshot.ts';
import { decideTermination } from '../../lambdas/domain/hosts/termination.ts';
import { orphansAmong, unaccountedFor } from '../../lambdas/domain/lock/orphans.ts';
import type { LedgerRow } from '../../lambdas/ports/ledger.ts';
import { Stage } from '../../simulator/stage.ts';
import { statementsOf } from '../lib/template.ts';
import { at, EXECUTION, launched, OLD } from '../support/deployments.ts';
import { aHost, aNewInstance, anInstance, inService } from '../support/facts.ts';
import { aFleet } from '../support/fleets.ts';
import { allows } from '../support/iam.ts';
import { synthesize } from '../synth.ts';

const FORGED = { [TAG.fleet]: 'shop', [TAG.deployment]: 'deploy-2', [TAG.keepUntil]: '2026-03-01T09:00:00Z' };
const victim = anInstance('i-database', { tags: FORGED });
const SHOP = { name: 'shop', launchTemplate: 'lt-1' };

describe('Somebody else’s instance with all of our tags', () => {
  it('is not terminated by an undo', () => {
    const decision = decideTermination('new', launched(), ['i-database'], [victim]);
    expect(decision.terminate).toEqual([]);
    expect(decision.refused).toMatchObject([{ reason: 'this deployment did not launch it' }]);
  });

  it('is, if a token says that this execution launched it, and not if another one did', () => {
    const of = (execution: string) => anInstance('i-1', { clientToken: `${launchTokens(execution)}1` });
    const ended = (execution: string) =>
      decideTermination('new', launched(), ['i-1'], [of(execution)]).terminate;
    expect(ended(EXECUTION)).toEqual(['i-1']);
    expect(ended(EXECUTION.replace('irekae-shop', 'irekae-blog'))).toEqual([]);
  });

  it('is no candidate for removal, which goes by tokens', () =>
    expect(removalCandidates(launched(), [], [])).not.toContain('i-database'));

  it('is not ended as one that was kept, and no orphan', () => {
    expect(expiredKept(SHOP, [victim], at(9_999))).toEqual([]);
    expect(unaccountedFor(SHOP, [victim], undefined, [])).toEqual([]);
    expect(orphansAmong(unaccountedFor({}, [victim], undefined, []), at(9_999))).toEqual([]);
  });
});

describe('A new host of a running deployment', () => {
  const held = { holder: EXECUTION, document: '{}' } as unknown as NonNullable<LedgerRow['held']>;

  it('stays its own, whatever deployment its tag names, and however its time is said to be over', () => {
    const retagged = aNewInstance('i-new1', {
      tags: { ...aNewInstance('i-new1').tags, ...FORGED, [TAG.deployment]: 'x' },
    });
    expect(unaccountedFor(SHOP, [retagged], held, [])).toEqual([]);
  });

  it('is known by the ledger’s document, too', () => {
    const { clientToken: _, ...unanswered } = aNewInstance('i-new1');
    const document = JSON.stringify({
      execution: { id: EXECUTION },
      launch: { instances: [{ instanceId: 'i-new1' }] },
      oldHosts: { hosts: [{ instanceId: 'i-old1' }] },
    });
    const old = { ...unanswered, instanceId: 'i-old1' };
    expect(unaccountedFor(SHOP, [unanswered, old], { ...held, document }, [])).toEqual([]);
  });
});

describe('An old host that serves', () => {
  it('is replaced although somebody tags it as kept for debugging', () => {
    const kept = anInstance('i-old1', {
      tags: { [TAG.fleet]: 'shop', [TAG.keepUntil]: '2099-01-01T00:00:00Z' },
    });
    const { hosts } = decideSnapshot(aFleet(), {
      hosts: OLD.map((id) => aHost(id)),
      instances: [],
      tagged: [kept, anInstance('i-old2')],
      members: new Map([['web', OLD.map(inService)]]),
    });
    expect(hosts.map(({ instanceId }) => instanceId)).toEqual([...OLD]);
  });
});

describe('More tagged strangers than hosts', () => {
  it('outlive a deployment that is undone, which leaves nothing of its own and no lock', async () => {
    const stage = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 3 });
    const { world, fleet } = stage;
    try {
      const [subnetId = ''] = fleet.subnets;
      const tags = { [TAG.fleet]: fleet.name, [TAG.deployment]: 'attacked' };
      const crowd = Array.from(
        { length: 2 * fleet.subnets.length * fleet.instancesPerZone + 3 },
        () =>
          world.ec2.addExisting({
            subnetId,
            imageId: 'ami-1',
            instanceType: 't4g.small',
            tags,
            ageSeconds: 9_999,
          }).id,
      );
      stage.upload();
      stage.whenEntering('New hosts are ready', () => {
        for (const { facts } of world.ec2.known())
          if (facts.clientToken !== undefined) world.ec2.kill(facts.instanceId, 'Server.InternalError: lost');
      });
      const { error } = await stage.deploy({}, 'attacked');
      expect(error).toBe('RolledBack');
      const state = (id: string) => world.view().instances.find(({ instanceId }) => instanceId === id)?.state;
      expect(crowd.map(state)).toEqual(crowd.map(() => 'running'));
      expect(world.ledger.read(fleet.name)?.held).toBeUndefined();
    } finally {
      stage.close();
    }
  });
});

describe('IAM', () => {
  it('lets an undo end only what EC2 itself says came from a template, and what is tagged as a deployment’s', () => {
    const statements = statementsOf(synthesize(), 'terminate-new-instances')
      .filter(({ Action }) => [Action].flat().includes('ec2:TerminateInstances'))
      .map((each) => JSON.parse(JSON.stringify(each).replace(/\{"Ref":"(\w+)"\}/g, '"$1"')))
      .map((each) => ({ ...each, Resource: 'arn:aws:ec2:*:*:instance/*' }));
    const key = `aws:ResourceTag/${TAG.template}`;
    const launched = { [key]: 'lt-0123456789abcdef0', [`aws:ResourceTag/${TAG.deployment}`]: 'd' };
    const may = (tags: object) =>
      allows(statements, {
        action: 'ec2:TerminateInstances',
        resource: 'arn:aws:ec2:ap-northeast-1:222222222222:instance/i-1',
        context: { [`aws:ResourceTag/${TAG.fleet}`]: 'reactio-production-app', ...tags },
      });
    expect(may({})).toBe(false);
    // Whoever may tag can write this one, but not the other.
    expect(may({ [`aws:ResourceTag/${TAG.deployment}`]: 'd' })).toBe(false);
    expect(may(launched)).toBe(true);
    expect(may({ ...launched, [`aws:ResourceTag/${TAG.fleet}`]: 'reactio-staging-app' })).toBe(false);
  });
});
