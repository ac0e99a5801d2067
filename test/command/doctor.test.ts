/** `irekae doctor`: a healthy fleet has no complaint; for every check there is a world in which exactly it complains. */

import { afterEach, describe, expect, it } from 'vitest';
import { CHECKS } from '../../bin/command/doctor/finding.ts';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { DeploymentError, type FailureName } from '../../lambdas/domain/core/errors.ts';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import type { CommandPorts } from '../../lambdas/ports/command.ts';
import { executionArn } from '../../simulator/run-definition.ts';
import { API_KEY, TUNED, UNTUNED } from '../../simulator/stage.ts';
import type { InspectedWorld } from '../../simulator/world/inspection.ts';
import { APP, Clinic, healthy, type Visit } from './clinic.ts';

let clinic: Clinic | undefined;
afterEach(() => clinic?.close());

const BUCKET = 'irekae-production-222222222222-ap-northeast-1';
const HOLDER = executionArn(`irekae-${APP}`, 'deploy-2');

interface Case {
  readonly name: string;
  /** Default: a healthy fleet. */
  readonly admit?: () => Clinic;
  /** What happens to it. */
  readonly ill?: (clinic: Clinic) => unknown;
  readonly visit?: Visit;
  readonly complaints: readonly string[];
  readonly sentence: RegExp;
  /** A line of what mends it. */
  readonly mend: string | RegExp;
}

const refusing = (name: FailureName, message: string) => async (): Promise<never> => {
  throw new DeploymentError(name, message);
};
const inspected = (changes: Partial<InspectedWorld>): Visit => ({ inspected: changes });
const withEc2 = (change: (ec2: CommandPorts['ec2']) => Partial<CommandPorts['ec2']>): Visit => ({
  ports: ({ ec2 }) => ({ ec2: { ...ec2, ...change(ec2) } }),
});

function hold({ stage }: Clinic): { holder: string; generation: number } {
  const { ledger, executions } = stage.world;
  executions.begin(HOLDER);
  const hold = ledger.take(APP, { holder: HOLDER, startedBy: 'CI' });
  if (!hold) throw new Error('the lock was not free');
  return hold;
}

/** An instance of the fleet that Mackerel does not list. */
const addInstance = ({ stage, fleet }: Clinic, tags: Record<string, string>) =>
  stage.world.ec2.addExisting({
    subnetId: fleet.subnets[0] ?? '',
    imageId: 'ami-1',
    instanceType: 't4g.small',
    tags: { [TAG.fleet]: APP, [TAG.deployment]: 'release-0', ...tags },
    ageSeconds: 7_200,
  }).id;

const addImage = ({ stage, fleet }: Clinic, changes: object) =>
  stage.world.ec2.addImage({
    imageId: 'ami-0aaaaaaaaaaaaaaaa',
    name: 'reactio-base-2026-11-22',
    createdAt: new Date(stage.clock.now().getTime() + 60_000),
    tags: fleet.image.from === 'search' ? fleet.image.tags : {},
    ...changes,
  });

const setSubnet = ({ stage, fleet }: Clinic, changes: object) =>
  stage.world.ec2.addSubnet({
    subnetId: fleet.subnets[0] ?? '',
    vpcId: 'vpc-0a1b2c3d4e5f60001',
    zone: 'ap-northeast-1a',
    ...changes,
  });

const upload = ({ stage, fleet }: Clinic, options: object) =>
  stage.world.s3.put(fleet.artifact.bucket, stage.artifact.key, 'a release', options);

const BUCKET_KEY = 'arn:aws:kms:ap-northeast-1:222222222222:key/1234abcd-0000';
const withBucketKey = {
  ...fleetsFile,
  environments: fleetsFile.environments.map((each) =>
    each.name === 'production' ? { ...each, bucketKmsKeyArn: BUCKET_KEY } : each,
  ),
};

const OWN_TEMPLATE = { id: 'lt-0a1b2c3d4e5f60001', version: 'newest', keyPair: 'operations' } as const;

const withFields = (fields: object, more: Parameters<typeof healthy>[0] = {}): Clinic =>
  healthy({
    file: {
      ...fleetsFile,
      fleets: fleetsFile.fleets.map((fleet) => (fleet.name === APP ? { ...fleet, ...fields } : fleet)),
    },
    ...more,
  });

const watching = (monitor: string): Clinic => withFields({ watch: { monitors: [monitor] } });

const comparing = (): Clinic =>
  healthy({
    file: {
      ...fleetsFile,
      fleets: fleetsFile.fleets.map((fleet) =>
        fleet.name === APP
          ? { ...fleet, compare: [{ metric: 'custom.nginx.5xx', atMostTimes: 2, from: 5 }] }
          : fleet,
      ),
    },
  });

/** The same fleet, launched from a template of its owner's. */
const MIGRATION = 'arn:aws:lambda:ap-northeast-1:222222222222:function:migrate:live';
const withHook = (): Clinic =>
  healthy({
    file: {
      ...fleetsFile,
      fleets: fleetsFile.fleets.map((fleet) =>
        fleet.name === APP
          ? { ...fleet, hooks: [{ at: 'before-launch', function: MIGRATION, timeoutMinutes: 5 }] }
          : fleet,
      ),
    },
  });

const withTemplate = (): Clinic =>
  healthy({
    file: {
      ...fleetsFile,
      fleets: fleetsFile.fleets.map((fleet) =>
        fleet.name === APP
          ? {
              ...fleet,
              launchTemplate: OWN_TEMPLATE,
              instanceProfile: {
                kind: 'given',
                arn: 'arn:aws:iam::222222222222:instance-profile/reactio',
                roleArn: 'arn:aws:iam::222222222222:role/reactio',
              },
            }
          : fleet,
      ),
    },
  });

/** Its owner makes another version of it. */
const newVersion =
  (changes: object) =>
  ({ stage, fleet: { launchTemplate } }: Clinic): void =>
    stage.world.ec2.addLaunchTemplate({
      id: OWN_TEMPLATE.id,
      version: '2',
      ...launchTemplate.given,
      ...changes,
    });

const MIB = 1024 ** 2;
const region = '--region ap-northeast-1';

const CASES: readonly Case[] = [
  {
    name: 'an environment that was never deployed',
    visit: inspected({ stackStatus: undefined, definitions: {}, rules: [], bucket: undefined }),
    complaints: ['problem stack'],
    sentence: /there is no stack irekae-production/,
    mend: 'npx cdk deploy irekae-production-fleet-reactio-production-app',
  },
  {
    name: 'a fleet that was added to the file and not deployed',
    visit: inspected({ fleetStackStatus: undefined, definitions: {}, rules: [] }),
    complaints: ['problem stack'],
    sentence: /there is no stack irekae-production-fleet-reactio-production-app/,
    mend: 'npx cdk deploy irekae-production-fleet-reactio-production-app',
  },
  {
    name: 'a fleet’s stack whose update failed',
    visit: inspected({ fleetStackStatus: 'UPDATE_FAILED' }),
    complaints: ['problem stack'],
    sentence: /irekae-production-fleet-reactio-production-app is UPDATE_FAILED/,
    mend: 'npx cdk deploy irekae-production-fleet-reactio-production-app',
  },
  {
    name: 'a stack whose update failed',
    visit: inspected({ stackStatus: 'UPDATE_ROLLBACK_FAILED' }),
    complaints: ['problem stack'],
    sentence: /is UPDATE_ROLLBACK_FAILED/,
    mend: 'npx cdk deploy irekae-production-fleet-reactio-production-app',
  },
  {
    name: 'a stack that is being changed',
    visit: inspected({ stackStatus: 'UPDATE_IN_PROGRESS' }),
    complaints: ['warning stack'],
    sentence: /being changed right now/,
    mend: /again/,
  },
  {
    name: 'a state machine that somebody deleted',
    visit: inspected({ definitions: { [`irekae-${APP}`]: {} } }),
    complaints: ['problem machine'],
    sentence: /no state machine irekae-reactio-production-app-clean-up/,
    mend: 'npx cdk deploy irekae-production-fleet-reactio-production-app',
  },
  {
    name: 'a fleet file that was edited and not deployed',
    ill: ({ stage }) => stage.configure({ keepFailedHostMinutes: 30 }),
    complaints: ['warning definition'],
    sentence: /: fleet\.keepFailedHostMinutes is 30 in AWS and 0 here$/,
    mend: 'npx cdk diff irekae-production irekae-production-fleet-reactio-production-app',
  },
  {
    name: 'an upload rule that is switched off',
    visit: inspected({
      rules: [
        {
          name: 'irekae-production-Upload1',
          enabled: false,
          pattern: {
            source: ['aws.s3'],
            detail: { bucket: { name: [BUCKET] }, object: { key: ['reactio/app.tar.gz'] } },
          },
        },
      ],
    }),
    complaints: ['problem upload-rule'],
    sentence: /is disabled: an upload starts nothing/,
    mend: `aws events enable-rule --name irekae-production-Upload1 ${region}`,
  },
  {
    name: 'a rule for another key',
    visit: inspected({
      rules: [
        {
          name: 'other',
          enabled: true,
          pattern: { source: ['aws.s3'], detail: { bucket: { name: [BUCKET] }, object: { key: ['else'] } } },
        },
      ],
    }),
    complaints: ['problem upload-rule'],
    sentence: /no rule starts reactio-production-app when reactio\/app\.tar\.gz is uploaded/,
    mend: 'npx cdk deploy irekae-production-fleet-reactio-production-app',
  },
  {
    name: 'a deployment that stopped halfway',
    ill: (ill) => {
      const held = hold(ill);
      ill.stage.world.ledger.keepForHuman(APP, held, 'StoppedHalfway: i-1 did not terminate.');
      ill.stage.world.executions.end(HOLDER, 'FAILED');
    },
    complaints: ['problem lock'],
    sentence: /kept for a human, and no deployment starts until it is released: StoppedHalfway: i-1/,
    mend: `npx --no -- irekae unlock ${APP}`,
  },
  {
    name: 'a dead holder of the lock',
    ill: (ill) => {
      hold(ill);
      ill.stage.world.executions.end(HOLDER, 'ABORTED');
    },
    complaints: ['warning lock'],
    sentence: /has ended without releasing it: deploy-2 \(by CI, .* ago\)/,
    mend: `npx --no -- irekae unlock ${APP}`,
  },
  {
    name: 'a change of permissions that nobody has finished',
    ill: ({ stage: { world } }) => {
      const holder = HOLDER.replace(/[^:]+$/, 'cdk-deploy-production');
      world.ledger.take(APP, { holder, startedBy: 'cdk deploy' });
    },
    complaints: ['warning lock'],
    sentence: /no deployment starts: `cdk deploy` takes permissions from the fleet, since .* ago/,
    mend: `  npx cdk deploy irekae-production-fleet-${APP}`,
  },
  {
    name: 'a version that waits beside a free lock',
    ill: (ill) => {
      const held = hold(ill);
      const { ledger } = ill.stage.world;
      ledger.pend(APP, { id: 'u', input: '{}', versionId: 'v7', since: ill.stage.clock.now() }, undefined);
      ledger.release(APP, held);
    },
    complaints: ['warning waiting-version'],
    sentence: /version v7 is waiting although the lock is free/,
    mend: `npx --no -- irekae unlock ${APP}`,
  },
  {
    name: 'a hold that somebody has forgotten',
    ill: ({ stage }) => {
      const onHold = { reason: 'the audit', by: 'jiro', since: stage.clock.now() };
      stage.world.ledger.putOnHold(APP, onHold, undefined);
    },
    complaints: ['warning hold'],
    sentence: /no deployment starts: on hold: the audit \(by jiro, .*\), until somebody lifts it/,
    mend: `npx --no -- irekae release ${APP}`,
  },
  {
    name: 'something that could not be told',
    ill: ({ stage: { world } }) => {
      const debt = { kind: 'status', status: 'working', service: 's', role: 'r', hosts: ['h'] } as const;
      const own = { deployment: 'broken', since: '2026-11-22T03:00:00Z' };
      const held = world.ledger.take(APP, { holder: 'arn:broken', startedBy: 'Hanako' });
      if (held) world.ledger.release(APP, held);
      world.ledger.owe(APP, [{ ...debt, ...own }], 0);
    },
    complaints: ['warning owed'],
    sentence: /still owed since 2026-11-22T03:00:00Z: the status working of 1 Mackerel host \(of .* broken\)/,
    mend: /made up for by itself/,
  },
  {
    name: 'no API key',
    ill: ({ stage }) => stage.world.parameters.delete('/irekae/mackerel-api-key'),
    complaints: ['problem mackerel-key'],
    sentence: /no Mackerel API key under \/irekae\/mackerel-api-key/,
    mend: `aws ssm put-parameter --overwrite --type SecureString --name /irekae/mackerel-api-key ${region} --value "$KEY"`,
  },
  {
    name: 'an API key that Mackerel does not accept',
    visit: {
      ports: ({ mackerel }) => {
        const refused = refusing('MackerelRefused', 'Mackerel answered 401.');
        return { mackerel: { ...mackerel, roles: refused, hosts: refused, openAlerts: refused } };
      },
    },
    complaints: ['problem mackerel-key'],
    sentence: /does not accept the API key in \/irekae\/mackerel-api-key: Mackerel answered 401$/,
    mend: 'read -rs KEY',
  },
  {
    name: 'a role that Mackerel does not have',
    visit: { ports: ({ mackerel }) => ({ mackerel: { ...mackerel, roles: async () => ['db'] } }) },
    complaints: ['problem mackerel-role'],
    sentence: /no role app in the service reactio-production \(it has db\)/,
    mend: `Create it in Mackerel, or: the fleets file, ${APP}: correct mackerel.role`,
  },
  {
    name: 'an alert on a host',
    ill: ({ stage }) => {
      const [host] = stage.world.mackerel.live();
      stage.world.mackerel.openAlert({
        status: 'CRITICAL',
        message: 'disk 98 %',
        ...(host && { hostId: host.id }),
      });
      stage.world.mackerel.openAlert({ status: 'WARNING', message: 'not ours' });
    },
    complaints: ['problem open-alerts'],
    sentence: /^CRITICAL is open on i-[0-9a-f]+: disk 98 %$/,
    mend: /Mackerel first/,
  },
  {
    name: 'a monitor that decides, and that Mackerel does not have',
    admit: () => watching('checkout error'),
    ill: ({ stage }) => void stage.world.mackerel.addMonitor({ name: 'checkout errors', type: 'service' }),
    complaints: ['problem monitors'],
    sentence: /Mackerel has no such monitor; did you mean checkout errors\?/,
    mend: /correct watch.monitors/,
  },
  {
    name: 'a monitor that decides, and alerts',
    admit: () => watching('errors'),
    ill: ({ stage }) => {
      const monitorId = stage.world.mackerel.addMonitor({ name: 'errors', type: 'service' });
      stage.world.mackerel.openAlert({ monitorId, status: 'WARNING', value: 9, message: '' });
    },
    complaints: ['problem monitors'],
    sentence: /WARNING of “errors” \(service\), value 9/,
    mend: /Mackerel first/,
  },
  {
    name: 'a metric that is compared, and that no host posts',
    admit: () => comparing(),
    complaints: ['warning compared-metrics'],
    sentence: /too few points of custom.nginx.5xx in the last ten minutes: it would not be compared/,
    mend: /correct compare/,
  },
  {
    name: 'a hand brake',
    ill: ({ stage }) => stage.world.ec2.tag(stage.oldInstances[0] ?? '', { [TAG.protect]: 'hanako' }),
    complaints: ['problem hosts'],
    sentence: /carries the hand brake/,
    mend: /^aws ec2 delete-tags --resources i-[0-9a-f]+ --tags Key=irekae:protect --region/,
  },
  {
    name: 'more hosts than the fleet launches',
    admit: () => healthy({ oldPerZone: 2 }),
    complaints: ['problem hosts'],
    sentence: /4 hosts serve now, but reactio-production-app launches 2/,
    mend: /raise instancesPerZone \(now 1\)/,
  },
  {
    name: 'a host that does not serve',
    ill: async ({ stage }) => {
      stage.world.ec2.breakApplication(stage.oldInstances[0] ?? '');
      await stage.wait(60);
    },
    complaints: ['warning hosts-in-service'],
    sentence:
      /^1 of 2 hosts in service; i-[0-9a-f]+ is out of service at reactio-production \(health checks fail\)/,
    mend: /"redeploy": true/,
  },
  {
    name: 'hosts of earlier tooling',
    ill: ({ stage, fleet }) =>
      stage.world.addRunningHost({
        ...fleet.mackerel,
        subnetId: fleet.subnets[0] ?? '',
        loadBalancers: [],
      }),
    complaints: ['warning strangers'],
    sentence: /^the next deployment would not replace 1 host: .*does not carry the tag irekae:fleet/,
    mend: `npx --no -- irekae adopt ${APP}`,
  },
  {
    name: 'a host of the fleet that serves and that Mackerel does not list',
    ill: ({ stage }) => {
      const [host] = stage.world.mackerel.live();
      if (host) stage.world.mackerel.retire([host.id]);
    },
    complaints: ['problem hosts'],
    sentence: /^Mackerel does not list i-[0-9a-f]+ \(is in service at reactio-production\)/,
    mend: 'docs/runbook.md, UnlistedHostServes',
  },
  {
    name: 'a host in Mackerel that EC2 does not have',
    ill: ({ stage, fleet }) =>
      stage.world.mackerel.addHost({
        name: 'ghost',
        roles: [fleet.mackerel],
        instanceId: 'i-0123456789abcdef0',
      }),
    complaints: ['warning strangers'],
    sentence: /ghost .*: EC2 does not know i-0123456789abcdef0: retire it in Mackerel/,
    mend: 'docs/runbook.md, Removing instances by hand',
  },
  {
    name: 'an instance that a dead deployment left',
    ill: (ill) => addInstance(ill, { [TAG.template]: 'lt-1' }),
    complaints: ['warning leftovers'],
    sentence: /^orphaned: i-[0-9a-f]+ \(launched by release-0 2 h 0 min ago\)$/,
    mend: /^aws ec2 terminate-instances --instance-ids i-[0-9a-f]+ --region/,
  },
  {
    name: 'an instance that is kept for debugging',
    ill: (ill) => addInstance(ill, { [TAG.keepUntil]: '2026-11-22T04:00:00Z' }),
    complaints: ['warning kept-instance'],
    sentence: /failed and is kept for debugging until 2026-11-22T04:00:00/,
    mend: /^aws ec2 create-tags --resources i-[0-9a-f]+ --tags Key=irekae:keep-until,Value=2026-11-22T03:0/,
  },
  {
    name: 'no image',
    visit: withEc2(() => ({ matchingImages: async () => [] })),
    complaints: ['problem image'],
    sentence: /knows no image from the search for the newest arm64 image of self with name reactio-base-\*/,
    mend: `Build or share an image, or: the fleets file, ${APP}: correct image`,
  },
  {
    name: 'images that are all deprecated',
    visit: withEc2((ec2) => ({
      matchingImages: async (query) =>
        (await ec2.matchingImages(query)).map((found) => ({ ...found, deprecatedAt: new Date(0) })),
    })),
    complaints: ['problem image'],
    sentence: /is deprecated by its owner since 1970-01-01/,
    mend: /irekae deploy .* --ami ami-/,
  },
  {
    name: 'an image that runs and was deprecated since',
    ill: (ill) => {
      addImage(ill, { deprecatedAt: new Date(0) });
      ill.recordRelease({ imageId: 'ami-0aaaaaaaaaaaaaaaa' });
    },
    complaints: ['warning image-age'],
    sentence:
      /^the fleet runs ami-0aaaaaaaaaaaaaaaa, which its owner deprecated: the next deployment goes back to/,
    mend: /build a newer image/,
  },
  {
    name: 'an image with another root device',
    ill: (ill) => addImage(ill, { rootDevice: '/dev/sda1' }),
    complaints: ['problem image'],
    sentence: /its root volume is \/dev\/sda1/,
    mend: `the fleets file, ${APP}: rootVolume: { device: '/dev/sda1' }`,
  },
  {
    name: 'an image of last spring',
    visit: withEc2((ec2) => ({
      matchingImages: async (query) =>
        (await ec2.matchingImages(query)).map((found) => ({
          ...found,
          createdAt: new Date('2026-04-01T00:00:00Z'),
        })),
      findImage: async () => undefined,
    })),
    complaints: ['warning image-age'],
    sentence: /is 235 days old/,
    mend: /build a new image/,
  },
  {
    name: 'an image that is older than what runs',
    ill: (ill) => {
      addImage(ill, { tags: {} });
      ill.recordRelease({ imageId: 'ami-0aaaaaaaaaaaaaaaa' });
    },
    complaints: ['problem image-age'],
    sentence: /ami-0f1e2d3c4b5a69788 is older than ami-0aaaaaaaaaaaaaaaa, which the fleet runs/,
    mend: /Publish the newer image again/,
  },
  {
    name: 'a KMS key for the volumes that the fleet may not use',
    visit: inspected({ volumeKeys: ['arn:aws:kms:ap-northeast-1:222222222222:key/1234abcd-0000'] }),
    complaints: ['problem volume-keys'],
    sentence:
      /encrypted with arn:aws:kms:ap-northeast-1:222222222222:key\/1234abcd-0000, which .* may not use/,
    mend: `the fleets file, ${APP}: kmsKeys: ['arn:aws:kms:ap-northeast-1:222222222222:key/1234abcd-0000']`,
  },
  {
    name: 'a launch template of its owner’s that is gone',
    admit: withTemplate,
    ill: ({ stage }) => stage.world.ec2.removeLaunchTemplate(OWN_TEMPLATE.id),
    complaints: ['problem launch-template'],
    sentence: /^EC2 knows no newest version of launch template lt-0a1b2c3d4e5f60001$/,
    mend: `the fleets file, ${APP}: correct launchTemplate`,
  },
  {
    name: 'a launch template of its owner’s with user data',
    admit: withTemplate,
    ill: newVersion({ hasUserData: true }),
    complaints: ['problem launch-template'],
    sentence: /^version 2 of launch template lt-\w+ cannot launch reactio-production-app: it has user data/,
    mend: /^Move it into the image or the start command/,
  },
  {
    name: 'a launch template of its owner’s whose volumes stay',
    admit: withTemplate,
    ill: newVersion({ volumes: [{ device: '/dev/sdf', stays: true }] }),
    complaints: ['warning launch-template'],
    sentence: /^its volume \/dev\/sdf outlives its instance/,
    mend: /^Set DeleteOnTermination of \/dev\/sdf to true/,
  },
  {
    name: 'a hook that is no function',
    admit: withHook,
    visit: inspected({ hooks: () => undefined }),
    complaints: ['problem hooks'],
    sentence: /^the hook migrate:live before the launch is no function of this account and Region/,
    mend: `the fleets file, ${APP}: correct hooks.0.function`,
  },
  {
    name: 'a hook that may run for longer than it is waited for',
    admit: withHook,
    visit: inspected({ hooks: () => ({ state: 'Active', timeoutSeconds: 600 }) }),
    complaints: ['warning hooks'],
    sentence: /may run for 600 s, and is given up after 300 s$/,
    mend: /raise hooks\.0\.timeoutMinutes/,
  },
  {
    name: 'a subnet that EC2 does not know',
    visit: withEc2((ec2) => ({ subnets: async (ids) => ec2.subnets(ids.slice(1)) })),
    complaints: ['problem subnets'],
    sentence: /knows no subnet subnet-0a1b2c3d4e5f60003/,
    mend: /correct subnets/,
  },
  {
    name: 'two subnets in one zone',
    ill: (ill) => setSubnet(ill, { zone: 'ap-northeast-1c' }),
    complaints: ['warning subnets'],
    sentence: /2 subnets are all in ap-northeast-1c/,
    mend: /one in each zone/,
  },
  {
    name: 'a full subnet',
    ill: (ill) => setSubnet(ill, { addresses: 1 }),
    complaints: ['problem subnets'],
    sentence: /has 0 free addresses, 1 are needed/,
    mend: /free addresses in them/,
  },
  {
    name: 'a subnet with room for just one more set',
    ill: (ill) => setSubnet(ill, { addresses: 2 }),
    complaints: ['warning free-addresses'],
    sentence: /\(ap-northeast-1a\) has 1 free addresses, just enough/,
    mend: /a larger one/,
  },
  {
    name: 'an instance type that a zone lacks',
    visit: inspected({
      isOffered: ({ instanceType, zone }) => instanceType !== 't4g.medium' || zone.endsWith('a'),
    }),
    complaints: ['warning instance-types'],
    sentence: /EC2 does not offer t4g\.medium in ap-northeast-1c/,
    mend: /another one in place of t4g\.medium/,
  },
  {
    name: 'a zone without any of the types',
    visit: inspected({ isOffered: ({ zone }) => zone.endsWith('a') }),
    complaints: ['problem instance-types'],
    sentence: /none of t4g\.small and t4g\.medium in ap-northeast-1c/,
    mend: /one that EC2 offers in ap-northeast-1c/,
  },
  {
    name: 'a load balancer that does not exist',
    visit: {
      ports: ({ loadBalancers, inspector }) => {
        const missing = refusing('LoadBalancerUnusable', 'There is no load balancer reactio-production.');
        return {
          loadBalancers: { ...loadBalancers, settings: missing, members: missing },
          inspector: { ...inspector, balancer: missing },
        };
      },
    },
    complaints: ['problem balancer'],
    sentence: /^There is no load balancer reactio-production$/,
    mend: `the fleets file, ${APP}: correct loadBalancers`,
  },
  {
    name: 'a zone that the load balancer does not serve',
    visit: {
      ports: ({ inspector }) => ({
        inspector: {
          ...inspector,
          balancer: async (ref) => ({ ...(await inspector.balancer(ref)), zones: ['ap-northeast-1a'] }),
        },
      }),
    },
    complaints: ['problem balancer-zones'],
    sentence: /does not serve ap-northeast-1c, the zone of subnet-0a1b2c3d4e5f60004/,
    mend: `aws elb attach-load-balancer-to-subnets --load-balancer-name reactio-production --subnets subnet-0a1b2c3d4e5f60004 ${region}`,
  },
  {
    name: 'the health check that a classic ELB has by default',
    admit: () => healthy({ balancers: { ...UNTUNED, drainSeconds: 30 } }),
    complaints: ['warning health-check'],
    sentence:
      /, 30 s × 10, makes each deployment up to 50 s slower than with 5 s × 2, and 4 min 50 s when a new host fails a check; the bake is as long as it takes to see a broken host: checks every 5 s, unhealthy after 2, with a time-out of 4 s at reactio-production would save 51 s of it$/,
    mend: `aws elb configure-health-check --load-balancer-name reactio-production --health-check Target=HTTP:80/,Interval=5,Timeout=4,UnhealthyThreshold=2,HealthyThreshold=2 ${region}`,
  },
  {
    name: 'draining that is off',
    admit: () => healthy({ balancers: { ...TUNED, drainSeconds: 0 } }),
    complaints: ['warning draining'],
    sentence: /does not drain: requests in flight are cut off/,
    mend: `aws elb modify-load-balancer-attributes --load-balancer-name reactio-production --load-balancer-attributes '{"ConnectionDraining":{"Enabled":true,"Timeout":30}}' ${region}`,
  },
  {
    name: 'draining that is long',
    admit: () => healthy({ balancers: { ...TUNED, drainSeconds: 300 } }),
    complaints: ['warning draining'],
    sentence: /drains for up to 5 min: one long request can delay a deployment by as much/,
    mend: /"Timeout":30/,
  },
  {
    name: 'draining that is longer than the fleet waits',
    admit: () => healthy({ balancers: { ...TUNED, drainSeconds: 900 } }),
    complaints: ['warning draining'],
    sentence:
      /up to 15 min: what still runs after 5 min \(limits.drainSeconds\) is cut off, and the deployment goes on$/,
    mend: /"Timeout":30/,
  },
  {
    name: 'a slow start that the old hosts do not wait for',
    admit: () => withFields({ sideBySideSeconds: 60 }, { balancers: { ...TUNED, slowStartSeconds: 300 } }),
    complaints: ['warning slow-start'],
    sentence:
      /gives a new host its full share of requests only after 5 min, and the old hosts leave 60 s after all new ones are ready$/,
    mend: /set sideBySideSeconds to 300 or more, or leave it out/,
  },
  {
    name: 'requests that stay in their zone',
    visit: inspected({ crossZone: false }),
    complaints: ['warning cross-zone'],
    sentence: /keeps requests within their zone/,
    mend: /'\{"CrossZoneLoadBalancing":\{"Enabled":true\}\}'/,
  },
  {
    name: 'a given bucket that keeps no versions',
    visit: inspected({ bucket: { versioned: false, eventBridge: true, notifications: {} } }),
    complaints: ['problem bucket-versioning'],
    sentence: /keeps no versions/,
    mend: `aws s3api put-bucket-versioning --bucket ${BUCKET} --versioning-configuration Status=Enabled ${region}`,
  },
  {
    name: 'a given bucket that tells others, but not EventBridge',
    visit: inspected({
      bucket: {
        versioned: true,
        eventBridge: false,
        notifications: { TopicConfigurations: [{ Id: 'mine' }] },
      },
    }),
    complaints: ['problem bucket-events'],
    sentence: /does not notify EventBridge of uploads/,
    mend: `aws s3api put-bucket-notification-configuration --bucket ${BUCKET} --notification-configuration '{"TopicConfigurations":[{"Id":"mine"}],"EventBridgeConfiguration":{}}' ${region}`,
  },
  {
    name: 'a bucket with a key that nobody may use',
    visit: inspected({
      bucket: { versioned: true, eventBridge: true, kmsKey: BUCKET_KEY, notifications: {} },
    }),
    complaints: ['problem bucket-key'],
    sentence: /is encrypted with arn:aws:kms:.*, which neither its functions nor its hosts may use/,
    mend: `the fleets file, the environment: bucketKmsKeyArn: '${BUCKET_KEY}'`,
  },
  {
    name: 'a bucket that is not encrypted with the key of the fleets file',
    admit: () => healthy({ file: withBucketKey }),
    complaints: ['warning bucket-key'],
    sentence: /is not encrypted with arn:aws:kms:/,
    mend: /^Leave bucketKmsKeyArn out/,
  },
  {
    name: 'a fleet to which nothing was uploaded',
    admit: () => new Clinic(),
    complaints: ['warning artifact'],
    sentence: /nothing has been uploaded to reactio\/app\.tar\.gz yet/,
    mend: `aws s3 cp app.tar.gz s3://${BUCKET}/reactio/app.tar.gz ${region} --metadata sha256=$(sha256sum app.tar.gz | cut -d' ' -f1)`,
  },
  {
    name: 'a large tarball without a checksum',
    ill: (ill) => upload(ill, { sizeBytes: 300 * MIB }),
    complaints: ['warning artifact'],
    sentence: /has 300 MiB and no checksum that S3 knows: each deployment reads it/,
    mend: /^aws s3api put-object .* --body app\.tar\.gz --checksum-algorithm SHA256/,
  },
  {
    name: 'a tarball that is too large to compute its checksum',
    ill: (ill) => upload(ill, { sizeBytes: 5 * 1024 * MIB }),
    complaints: ['problem artifact'],
    sentence: /has 5120 MiB and no checksum that S3 knows, more than a deployment can read/,
    mend: /--metadata sha256=/,
  },
  {
    name: 'an empty tarball',
    ill: ({ stage, fleet }) => stage.world.s3.put(fleet.artifact.bucket, stage.artifact.key, ''),
    complaints: ['problem artifact'],
    sentence: /is empty \(0 bytes\): its upload wrote nothing$/,
    mend: /--metadata sha256=/,
  },
  {
    name: 'a runtime that was archived',
    ill: ({ stage, fleet }) => {
      const [versionId = ''] = stage.world.s3.versions(fleet.artifact.bucket, fleet.runtimes[0]?.key ?? '');
      stage.world.s3.archive(versionId, { name: 'GLACIER', isRestoring: false });
    },
    complaints: ['problem runtimes'],
    sentence: /perl-5\.38-arm64\.tar\.gz version \S+ is archived \(GLACIER\): no host can read it$/,
    mend: /^aws s3 cp perl/,
  },
  {
    name: 'a tarball that is not what its uploader said',
    ill: (ill) => upload(ill, { metadata: { sha256: '1'.repeat(64) }, checksum: 'sha256' }),
    complaints: ['problem artifact'],
    sentence: /says sha256 1+, S3 computed/,
    mend: /--metadata sha256=/,
  },
  {
    name: 'a runtime that is not there',
    ill: ({ stage, fleet }) => stage.world.s3.delete(fleet.artifact.bucket, fleet.runtimes[0]?.key ?? ''),
    complaints: ['problem runtimes'],
    sentence: /the runtime runtimes\/perl-5\.38-arm64\.tar\.gz is not in/,
    mend: /^aws s3 cp perl-5\.38-arm64\.tar\.gz s3:/,
  },
  {
    name: 'a record that somebody else wrote',
    ill: ({ stage, fleet }) =>
      stage.world.s3.writeRecord(fleet.artifact.bucket, `irekae/${APP}/current.json`, { mine: true }),
    complaints: ['problem release-record'],
    sentence: /the record of what the fleet runs cannot be read/,
    mend: /^Get the last version of s3:.*current\.json back, as docs\/runbook\.md says/,
  },
  {
    name: 'a clock that is a minute off',
    visit: inspected({ skewSeconds: 60 }),
    complaints: ['warning clock'],
    sentence: /is 60 s behind AWS’s: AWS rejects requests from 5 min on/,
    mend: 'sudo timedatectl set-ntp true',
  },
  {
    name: 'a clock that is ten minutes off',
    visit: inspected({ skewSeconds: -600 }),
    complaints: ['problem clock'],
    sentence: /is 10 min ahead of AWS’s: AWS rejects what it signs/,
    mend: 'sudo timedatectl set-ntp true',
  },
];

describe('doctor', () => {
  it.each(CASES)(
    'names $name, and nothing else',
    async ({ admit, ill, visit, complaints, sentence, mend }) => {
      clinic = admit?.() ?? healthy();
      await ill?.(clinic);
      const found = (await clinic.findings(visit)).filter(({ level }) => level !== 'ok');
      expect(found.map(({ level, check }) => `${level} ${check}`)).toEqual(complaints);
      expect(found[0]?.sentence).toMatch(sentence);
      expect(found[0]?.mend).toContainEqual(typeof mend === 'string' ? mend : expect.stringMatching(mend));
    },
  );

  it('has a world for each of its checks', () => {
    const fired = CASES.flatMap(({ complaints }) => complaints.map((each) => each.split(' ')[1]));
    expect([...new Set(fired)].sort()).toEqual(Object.keys(CHECKS).sort());
  });

  it('finds nothing wrong with a healthy fleet, and says what it looked at', async () => {
    clinic = healthy();
    const said = await clinic.run([]);
    expect(said).toMatchObject({ exitCode: 0, err: '' });
    expect(said.out).toMatch(/^reactio-production-app in production \(222222222222, ap-northeast-1\), seen /);
    expect(said.out).toMatch(/\nHealthy: \d+ checks are fine\.$/);
    expect(Object.values(CHECKS).length).toBeGreaterThan(20);
    for (const area of new Set(Object.values(CHECKS))) expect(said.out).toContain(`\n  ${area} `);
  });
});

const DENIED = 'AWS refused to look: AccessDenied: You are not authorized to perform this operation.';
type Asked = readonly [port: keyof CommandPorts, method: string];

/** The ports, but for some questions that the caller may not ask. */
const denying =
  (...asked: readonly Asked[]) =>
  (ports: CommandPorts): Partial<CommandPorts> =>
    Object.fromEntries(
      asked.map(([port, method]) => [port, { ...ports[port], [method]: refusing('ServiceRefused', DENIED) }]),
    );

it('advises nobody to remove the hosts of another fleet behind the same load balancer', async () => {
  const clinic = healthy();
  try {
    const { mackerel, subnets, loadBalancers } = clinic.fleet;
    clinic.stage.world.addRunningHost({
      service: mackerel.service,
      role: 'neighbour',
      subnetId: subnets[0] ?? '',
      loadBalancers,
      fleet: 'neighbour',
    });
    const found = await clinic.findings();
    expect(found.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(found.map(({ sentence }) => sentence)).toContainEqual(
      expect.stringMatching(/^left alone: i-[0-9a-f]+: .*belongs to the fleet neighbour$/),
    );
  } finally {
    clinic.close();
  }
});

describe('a caller who may not ask', () => {
  it.each<[Asked, string, string[]]>([
    [['parameters', 'read'], 'ssm:GetParameter on /irekae/mackerel-api-key', ['mackerel-key']],
    [['ec2', 'describe'], 'ec2:DescribeInstances', ['hosts']],
    [['ec2', 'listByTag'], 'ec2:DescribeInstances', ['hosts', 'leftovers']],
    [['ec2', 'matchingImages'], 'ec2:DescribeImages', ['image']],
    [['ec2', 'findImage'], 'ec2:DescribeImages', ['image-age']],
    [['ec2', 'subnets'], 'ec2:DescribeSubnets', ['subnets', 'instance-types', 'balancer-zones']],
    [['loadBalancers', 'settings'], 'elasticloadbalancing:DescribeLoadBalancers', ['balancer']],
    [['loadBalancers', 'members'], 'elasticloadbalancing:DescribeInstanceHealth', ['hosts']],
    [['artifacts', 'find'], 's3:GetObject and s3:ListBucket', ['artifact', 'runtimes']],
    [['records', 'readRecord'], 's3:GetObject', ['leftovers', 'image-age', 'release-record']],
    [['ledger', 'read'], 'cloudformation:DescribeStacks and dynamodb:GetItem', ['lock', 'leftovers']],
    [['inspector', 'volumeKeys'], 'ec2:GetEbsDefaultKmsKeyId', ['volume-keys']],
    [['inspector', 'offerings'], 'ec2:DescribeInstanceTypeOfferings', ['instance-types']],
    [
      ['inspector', 'balancer'],
      'elasticloadbalancing:DescribeLoadBalancers',
      ['balancer-zones', 'health-check', 'cross-zone'],
    ],
    [['inspector', 'bucket'], 's3:GetBucketVersioning', ['bucket-versioning']],
    [['inspector', 'stackStatus'], 'cloudformation:DescribeStacks', ['stack']],
    [['inspector', 'machine'], 'states:DescribeStateMachine', ['machine']],
    [['inspector', 'rulesThatStart'], 'events:ListRuleNamesByTarget', ['upload-rule']],
  ])('%s is told what it needs, and everything else is looked at', async (asked, needs, checks) => {
    clinic = healthy();
    const found = (await clinic.findings({ ports: denying(asked) })).filter(({ level }) => level !== 'ok');
    expect(found.map(({ level, check }) => `${level} ${check}`)).toEqual(
      checks.map((check) => `unknown ${check}`),
    );
    for (const { sentence } of found)
      expect(sentence).toMatch(`you lack permission to check; it needs ${needs}`);
  });

  it('is told about the lock’s holder too', async () => {
    clinic = healthy();
    hold(clinic);
    const complaints = await clinic.complaints({ ports: denying(['executions', 'status']) });
    expect(complaints).toEqual(['unknown lock']);
  });

  it('about nothing at all is told so, and never that something is fine', async () => {
    clinic = healthy();
    const visit: Visit = {
      ports: (ports) =>
        Object.fromEntries(
          Object.entries(ports)
            .filter(([name]) => name !== 'clock')
            .map(([name, port]) => [
              name,
              Object.fromEntries(
                Object.keys(port).map((method) => [method, refusing('ServiceRefused', DENIED)]),
              ),
            ]),
        ),
    };
    const found = await clinic.findings(visit);
    expect([...new Set(found.map(({ level }) => level))]).toEqual(['unknown']);
    expect((await clinic.run([], visit)).exitCode).toBe(1);
  });
});

it('of an outage tells once what could not be looked at', async () => {
  clinic = healthy();
  const away = (path: string) =>
    refusing(
      'ServiceUnavailable',
      `Mackerel did not answer GET ${path} in 3 attempts (last: 503). If Mackerel is not under maintenance, check it.`,
    );
  const said = await clinic.run([], {
    ports: ({ mackerel }) => ({
      mackerel: { ...mackerel, roles: away('/a'), hosts: away('/b'), openAlerts: away('/c') },
    }),
  });
  expect(said.out.replaceAll(/\s+/g, ' ')).toContain(
    'the Mackerel API key, the role reactio-production:app, open alerts on the fleet’s hosts and the hosts in service: ' +
      'Mackerel did not answer (last: 503) Run the doctor again. Fine',
  );
  expect(said.err).toMatch(/^4 unknown; /);
});

it('says nothing about the zones of subnets that EC2 does not know', async () => {
  clinic = healthy();
  const found = await clinic.findings(withEc2(() => ({ subnets: async () => [] })));
  expect(found.filter(({ level }) => level !== 'ok').map(({ check }) => check)).toEqual([
    'subnets',
    'subnets',
  ]);
  expect(found.map(({ check }) => check)).not.toContain('instance-types');
  expect(found.map(({ check }) => check)).not.toContain('balancer-zones');
});

it('says what AWS did not answer, in AWS’s words', async () => {
  clinic = healthy();
  const away = refusing('ServiceUnavailable', 'AWS could not describe subnets now: Throttling.');
  const found = await clinic.findings(withEc2(() => ({ subnets: away })));
  expect(found[0]).toMatchObject({
    level: 'unknown',
    sentence: 'the subnets: AWS could not describe subnets now: Throttling',
    mend: ['Run the doctor again.'],
  });
});

it('changes nothing', async () => {
  clinic = healthy();
  const changes: string[] = [];
  clinic.stage.world.on(({ kind }) => changes.push(kind));
  const before = JSON.stringify(clinic.stage.world.ledger.read(APP));
  await clinic.run([]);
  expect(changes).toEqual([]);
  expect(JSON.stringify(clinic.stage.world.ledger.read(APP))).toBe(before);
});

it('leaves the hosts to a deployment that is at work on them', async () => {
  clinic = healthy({ oldPerZone: 2 });
  hold(clinic);
  expect(await clinic.complaints()).toEqual([]);
});

it('has no complaint about a fleet that irekae has really deployed, and knows what it runs', async () => {
  clinic = new Clinic();
  const { stage, fleet } = clinic;
  stage.upload('a release');
  stage.world.s3.put(fleet.artifact.bucket, stage.artifact.key, 'a release', { checksum: 'sha256' });
  expect((await stage.deploy({}, 'release-1')).endedIn).toBe('Deployed');
  expect(await clinic.complaints()).toEqual([]);
  const record = (await clinic.findings()).find(({ check }) => check === 'release-record');
  expect(record?.sentence).toBe('the last record is for release-1: Deployed');
});

it('looks at a fleet without a load balancer', async () => {
  clinic = healthy({ fleet: 'reactio-production-worker' });
  expect(await clinic.complaints()).toEqual([]);
});

describe('what it prints', () => {
  it('begins with what to mend, and ends with how many', async () => {
    clinic = healthy({ balancers: UNTUNED });
    const said = await clinic.run([], {
      inspected: { stackStatus: 'UPDATE_ROLLBACK_FAILED' },
      ports: denying(['ec2', 'matchingImages']),
    });
    const headings = said.out.split('\n').filter((line) => /^(Problems|Unknown|Warnings|Fine)/.test(line));
    expect(headings.map((line) => line.split(':')[0])).toEqual(['Problems', 'Unknown', 'Warnings', 'Fine']);
    expect(said.err).toMatch(/^1 problem, 1 unknown, 2 warnings; \d+ checks are fine\.$/);
    expect(said.exitCode).toBe(1);
  });

  it('keeps sentences within a terminal, and commands in one piece', async () => {
    clinic = healthy({ balancers: UNTUNED });
    const { out } = await clinic.run([], { columns: 120 });
    const long = out.split('\n').filter((line) => line.length > 120);
    expect(long.map((line) => line.trim().split(' ')[0])).toEqual(['aws', 'aws']);
  });

  it('leaves the exit code at 0 for warnings, and says so to machines', async () => {
    clinic = healthy({ balancers: UNTUNED });
    const { out, exitCode } = await clinic.run(['--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ command: 'doctor', fleet: APP, outcome: 'warnings' });
  });

  it('never shows the API key', async () => {
    clinic = healthy();
    const [text, json] = [await clinic.run([]), await clinic.run(['--json'])];
    expect(text.out + json.out).not.toContain(API_KEY);
  });
});
