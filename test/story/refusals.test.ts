/** Whatever is wrong before the launch ends the deployment under its own name, in one sentence, with nothing changed. */
import { afterEach, describe, expect, it } from 'vitest';
import type { FailureName } from '../../lambdas/domain/core/errors.ts';
import { OLD_IMAGE, Stage, type StageOptions } from '../../simulator/stage.ts';
import type { WorldEvent } from '../../simulator/world/events.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

function setStage(options: Partial<StageOptions> = {}): Stage {
  stage = new Stage({ template: synthesize(), fleet: 'reactio-production-app', seed: 11, ...options });
  return stage;
}

/** What the deployment's own calls changed. Its record is written in any case. */
function changesOf({ world }: Stage): string[] {
  const changes: string[] = [];
  world.on((event: WorldEvent) => {
    if (event.by !== 'scenario' && event.kind !== 'object-created') changes.push(event.kind);
  });
  return changes;
}

interface Refusal {
  readonly when: string;
  readonly arrange?: (stage: Stage) => void;
  readonly input?: unknown;
  readonly name: FailureName;
  readonly says: RegExp;
}

const AMI = 'ami-00000000000000abc';

const REFUSALS: Refusal[] = [
  {
    when: 'the input has unknown fields and wrong types',
    input: { dryRun: 'yes', colour: 'red' },
    name: 'InvalidInput',
    says: /2 problems.*dryRun: given "yes", allowed: true or false; colour: unknown field/,
  },
  { when: 'the input is no object', input: 'deploy!', name: 'InvalidInput', says: /given "deploy!"/ },
  {
    when: 'the input names a key outside the fleet',
    input: { key: 'other/app.tar.gz' },
    name: 'InvalidInput',
    says: /deploys s3:\/\/.*reactio\/app\.tar\.gz only.*other\/app\.tar\.gz/,
  },
  {
    when: 'the version does not exist',
    input: { versionId: 'no-such-version' },
    name: 'ArtifactNotFound',
    says: /has no version no-such-version.*list-object-versions/,
  },
  {
    when: 'the runtime was never uploaded',
    arrange: ({ world, fleet }) => {
      for (const { key } of fleet.runtimes) world.s3.delete(fleet.artifact.bucket, key);
    },
    name: 'ArtifactNotFound',
    says: /runtimes\/perl.*does not exist/,
  },
  {
    when: 'the tarball is too large to compute its missing checksum',
    arrange: ({ world, artifact }) => {
      world.s3.put(artifact.bucket, artifact.key, 'huge', { sizeBytes: 6 * 1024 ** 3 });
    },
    name: 'ArtifactUnusable',
    says: /no SHA-256.*--metadata sha256=/,
  },
  {
    when: 'the tarball is empty',
    arrange: ({ world, artifact }) => {
      world.s3.put(artifact.bucket, artifact.key, '');
    },
    name: 'ArtifactUnusable',
    says: /is empty \(0 bytes\).*Upload the tarball again/,
  },
  {
    when: 'a lifecycle rule has archived the runtime',
    arrange: ({ world, fleet }) => {
      for (const { key } of fleet.runtimes) {
        const [versionId = ''] = world.s3.versions(fleet.artifact.bucket, key);
        world.s3.archive(versionId, { name: 'GLACIER', isRestoring: false });
      }
    },
    name: 'ArtifactUnusable',
    says: /runtimes\/perl.* is archived \(GLACIER\).*restore-object/,
  },
  ...[{}, { versionId: null }, { versionId: '' }].map(
    (version): Refusal => ({
      when: `the bucket keeps no versions, and the event of an upload says ${JSON.stringify(version)}`,
      arrange: (set) => {
        set.world.s3.suspendVersioning(set.fleet.artifact.bucket);
        set.upload();
      },
      input: { ...version, upload: { eventId: 'e-1' } },
      name: 'ArtifactUnusable',
      says: /Switch on versioning of the bucket and upload it again/,
    }),
  ),
  {
    when: 'somebody gives an empty version',
    input: { versionId: '' },
    name: 'InvalidInput',
    says: /versionId: given "", allowed: an S3 version id/,
  },
  {
    when: 'its owner has deprecated every image of the kind',
    arrange: ({ world }) => world.ec2.deprecateImage(OLD_IMAGE),
    name: 'ImageUnusable',
    says: /is deprecated by its owner since .*start with \{"amiId": "ami-/,
  },
  { when: 'the AMI is gone', input: { amiId: AMI }, name: 'ImageNotFound', says: new RegExp(AMI) },
  {
    when: 'the AMI is for another architecture',
    arrange: ({ world }) => world.ec2.addImage({ imageId: AMI, architecture: 'x86_64' }),
    input: { amiId: AMI },
    name: 'ImageUnusable',
    says: /it is for x86_64.*arm64/,
  },
  {
    when: 'the AMI calls its root volume otherwise',
    arrange: ({ world }) => world.ec2.addImage({ imageId: AMI, rootDevice: '/dev/sda1' }),
    input: { amiId: AMI },
    name: 'ImageUnusable',
    says: /root volume is \/dev\/sda1.*\/dev\/xvda/,
  },
  {
    when: 'the API key cannot be read',
    arrange: ({ world, fleet }) => world.parameters.delete(fleet.mackerel.apiKeyParameter),
    name: 'MackerelKeyUnreadable',
    says: /no parameter \/irekae\/mackerel-api-key.*SecureString/,
  },
  {
    when: 'the load balancer is in another VPC',
    arrange: ({ world, fleet }) => {
      const [ref] = fleet.loadBalancers;
      if (ref?.kind === 'classic') world.loadBalancers.addClassic({ name: ref.name, vpcId: 'vpc-other' });
    },
    name: 'LoadBalancerUnusable',
    says: /reactio-production is in vpc-other.*subnets are in vpc-/,
  },
  {
    when: 'a subnet has no room',
    arrange: ({ world, fleet }) =>
      world.ec2.addSubnet({
        subnetId: fleet.subnets[1] ?? '',
        vpcId: 'vpc-0a1b2c3d4e5f60001',
        zone: 'ap-northeast-1c',
        addresses: 0,
      }),
    name: 'SubnetUnusable',
    says: /has -?\d+ free addresses, 1 are needed/,
  },
];

describe('before the launch', () => {
  it.each(REFUSALS)('$name when $when', async ({ arrange, input, name, says }) => {
    const set = setStage();
    set.upload();
    arrange?.(set);
    const changes = changesOf(set);
    const result = await set.deploy(input ?? {});
    expect({ endedIn: result.endedIn, error: result.error }).toEqual({
      endedIn: 'Nothing was changed',
      error: name,
    });
    expect(result.cause).toMatch(says);
    expect(result.cause).toMatch(/Nothing was changed\.$/);
    expect(changes).toEqual([]);
  });

  it.each([
    ['service', { service: 'unknown', role: 'app' }, /no service unknown/],
    [
      'role',
      { service: 'reactio-production', role: 'unknown' },
      /no role unknown in the service reactio-production \(it has/,
    ],
  ])('MackerelRoleUnknown when the fleet names an unknown %s', async (_, mackerel, says) => {
    const set = setStage();
    set.upload();
    // The document's fleet is what the definition says: rename it there, as a wrong line in bin/fleets.ts would.
    const open = set.machine.definition.States['Open the deployment'] as unknown as {
      Parameters: { fleet: { mackerel: object } };
    };
    Object.assign(open.Parameters.fleet.mackerel, mackerel);
    const result = await set.deploy({});
    expect(result.error).toBe('MackerelRoleUnknown');
    expect(result.cause).toMatch(says);
  });

  it('FleetWouldShrink when more hosts serve than would be launched', async () => {
    const set = setStage({ oldPerZone: 2 });
    set.upload();
    const result = await set.deploy({});
    expect(result.error).toBe('FleetWouldShrink');
    expect(result.cause).toMatch(/4 hosts serve now.*launches 2.*instancesPerZone/);
  });

  it('SnapshotContradicts when Mackerel lists nobody although hosts serve', async () => {
    const set = setStage();
    set.upload();
    const hosts = set.world.mackerel.live().map((host) => host.id);
    await set.world.ports.mackerel.retire(hosts);
    const result = await set.deploy({});
    expect(result.error).toBe('SnapshotContradicts');
    expect(result.cause).toMatch(/lists no host of reactio-production:app, but i-/);
  });
});

describe('a release that is not wanted', () => {
  it('ends as a success when a newer upload is there', async () => {
    const set = setStage();
    const older = set.upload('older');
    const newer = set.upload('newer');
    const changes = changesOf(set);
    const result = await set.deploy({ versionId: older, upload: { eventId: 'e-1' } });
    expect(result.endedIn).toBe('Superseded');
    expect(result.output).toMatchObject({
      reason: expect.stringContaining(`superseded by version ${newer}`),
    });
    expect(changes).toEqual([]);
  });

  it('is deployed all the same when somebody asks for the older version by hand', async () => {
    const set = setStage();
    const older = set.upload('older');
    set.upload('newer');
    const result = await set.deploy({ versionId: older });
    expect(result.output).toMatchObject({ outcome: 'Deployed', artifact: { versionId: older } });
  });

  it('ends as a success when the fleet runs it already, and says how to deploy anyway', async () => {
    const set = setStage();
    set.upload();
    expect((await set.deploy({})).endedIn).toBe('Deployed');
    const changes = changesOf(set);
    const again = await set.deploy({});
    expect(again.endedIn).toBe('Already deployed');
    expect(again.output).toMatchObject({ reason: expect.stringContaining('{"redeploy": true}') });
    expect(changes).toEqual([]);
    expect((await set.deploy({ redeploy: true })).endedIn).toBe('Deployed');
  });
});

describe('a dry run', () => {
  it('changes nothing and tells what would be done', async () => {
    const set = setStage();
    const versionId = set.upload();
    const changes = changesOf(set);
    const result = await set.deploy({ dryRun: true });
    expect(result.endedIn).toBe('Planned');
    expect(result.output).toMatchObject({
      fleet: 'reactio-production-app',
      release: { versionId, imageId: 'ami-0f1e2d3c4b5a69788' },
      launch: [{ instances: 1 }, { instances: 1 }],
      replace: set.oldInstances,
      leaveAlone: [],
      earliestFinish: { seconds: expect.any(Number) },
    });
    expect(changes).toEqual([]);
  });

  it('is a dry run also for a release that the fleet runs already', async () => {
    const set = setStage();
    set.upload();
    await set.deploy({});
    expect((await set.deploy({ dryRun: true })).endedIn).toBe('Planned');
  });
});

describe('strangers', () => {
  it('are reported by name and left alone', async () => {
    const set = setStage();
    const { mackerel, subnets } = set.fleet;
    const untagged = set.world.addRunningHost({ ...mackerel, subnetId: subnets[0] ?? '', loadBalancers: [] });
    const ghost = set.world.mackerel.addHost({
      name: 'ghost-1',
      roles: [mackerel],
      instanceId: 'i-0dead000000000000',
    });
    set.upload();
    const result = await set.deploy({});
    expect(result.endedIn).toBe('Deployed');
    const { strangers } = result.output as { strangers: { name: string; why: string }[] };
    expect(strangers.map((stranger) => stranger.why).sort()).toEqual([
      expect.stringContaining('EC2 does not know i-0dead000000000000'),
      expect.stringContaining(`${untagged} does not carry the tag irekae:fleet`),
    ]);
    expect(set.world.ec2.instance(untagged).facts.tags).toEqual({});
    expect(set.world.view().instances.find(({ instanceId }) => instanceId === untagged)?.state).toBe(
      'running',
    );
    expect(set.world.mackerel.host(ghost)?.retiredAt).toBeUndefined();
  });
});
