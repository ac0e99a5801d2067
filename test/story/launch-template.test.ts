/** A fleet that is launched from a launch template of its owner's, from the fleets file to what runs. */
import { afterEach, describe, expect, it } from 'vitest';
import { TAG } from '../../lambdas/domain/core/fleet.ts';
import { currentReleaseKey } from '../../lambdas/domain/core/names.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { synthesizeTemplates, type TemplateJson } from '../../lib/synthesize.ts';
import { exampleEntry } from '../../simulator/example-fleet.ts';
import { Rules } from '../../simulator/rules.ts';
import { GIVEN_TEMPLATE, giveLaunchTemplate, SCENARIOS } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';
import { TEMPLATE_VERSION_TAG } from '../../simulator/world/ec2.ts';
import { resourcesOf } from '../lib/template.ts';
import { synthesize } from '../synth.ts';

let stage: Stage | undefined;
afterEach(() => stage?.close());

const APP = 'reactio-production-app';
const { id, given } = GIVEN_TEMPLATE;

const onStage = (arrange: (stage: Stage) => void): Stage => {
  stage = new Stage({ template: synthesize(), fleet: APP, seed: 3 });
  stage.upload();
  arrange(stage);
  return stage;
};
const launchedFrom = (set: Stage) =>
  set.world
    .view()
    .instances.filter(({ tags }) => TAG.deployment in tags)
    .map(({ tags }) => [tags[TAG.template], tags[TEMPLATE_VERSION_TAG]]);
const recordOf = ({ world, fleet }: Stage) =>
  world.s3.readRecord(fleet.artifact.bucket, currentReleaseKey(fleet.name)) as Record<string, unknown>;

describe('A launch template of its owner’s', () => {
  it('is launched from as it was when the deployment began, and the record says so', async () => {
    const set = onStage(giveLaunchTemplate);
    const rules = new Rules(set.world, set.fleet, 'first');
    const result = await set.deploy({}, 'first');
    rules.ended(result);
    expect(result.endedIn).toBe('Deployed');
    expect(rules.violations).toEqual([]);
    expect(set.world.ec2.templateVersion(id, 'newest')).toMatchObject({ version: '8' });
    expect(launchedFrom(set)).toEqual([
      [id, '7'],
      [id, '7'],
    ]);
    expect(recordOf(set)).toMatchObject({ templateVersion: '7' });
  });

  it('replaces a straggler from the same version', async () => {
    const set = onStage((each) => {
      SCENARIOS.straggler.arrange(each);
      giveLaunchTemplate(each);
    });
    expect((await set.deploy()).endedIn).toBe('Deployed');
    expect(new Set(launchedFrom(set).map(([, version]) => version))).toEqual(new Set(['7']));
  });

  it('is a release of its own with each version: the same artifact is deployed again, once', async () => {
    const set = onStage(giveLaunchTemplate);
    await set.deploy();
    set.world.ec2.addLaunchTemplate({ id, version: '9', ...given });
    expect((await set.deploy()).endedIn).toBe('Deployed');
    expect(recordOf(set)).toMatchObject({ templateVersion: '9' });
    expect((await set.deploy()).endedIn).toBe('Already deployed');
  });

  it('is told by a dry run, with the version that it would be launched from', async () => {
    const set = onStage(giveLaunchTemplate);
    const result = await set.deploy({ dryRun: true });
    expect(result.endedIn).toBe('Planned');
    expect(result.output).toMatchObject({ launchTemplate: { id, version: '7' } });
  });

  it('stays with a version that is pinned', async () => {
    const set = onStage((each) => {
      giveLaunchTemplate(each);
      each.configure({ launchTemplate: { ...GIVEN_TEMPLATE, version: '7' } });
      each.world.ec2.addLaunchTemplate({ id, version: '9', ...given, hasUserData: true });
    });
    expect((await set.deploy()).endedIn).toBe('Deployed');
    expect(recordOf(set)).toMatchObject({ templateVersion: '7' });
  });

  it('is undone where somebody deletes it in the middle', async () => {
    const set = onStage((each) => {
      giveLaunchTemplate(each);
      each.whenEntering('Launch new instances', () => each.world.ec2.removeLaunchTemplate(id));
    });
    const result = await set.deploy();
    expect(result).toMatchObject({ endedIn: 'RolledBack', cause: expect.stringMatching(/^LaunchRefused: /) });
  });
});

describe('The stacks of a fleet with a launch template of its owner’s', () => {
  const template = (): TemplateJson => {
    const environments = readFleets({
      environments: [{ name: 'given', account: '111111111111', region: 'ap-northeast-1' }],
      fleets: [
        exampleEntry('given', 'given-app', {
          loadBalancers: [],
          launchTemplate: { id, version: 3, keyPair: 'operations' },
          metadataHopLimit: 2,
          instanceProfile: {
            kind: 'given',
            arn: given.instanceProfile,
            roleArn: 'arn:aws:iam::111111111111:role/reactio',
          },
        }),
      ],
    });
    const made = synthesizeTemplates(environments).given;
    if (!made) throw new Error('nothing was made');
    return made;
  };

  it('make neither a template nor a profile, and the orphan watch knows the one that was given', () => {
    const made = template();
    expect(resourcesOf(made, 'AWS::EC2::LaunchTemplate')).toEqual([]);
    expect(resourcesOf(made, 'AWS::IAM::InstanceProfile')).toEqual([]);
    expect(JSON.stringify(resourcesOf(made, 'AWS::Events::Rule'))).toContain(
      JSON.stringify(`"launchTemplate":"${id}"`).slice(1, -1),
    );
    stage = new Stage({ template: made, fleet: 'given-app', seed: 1 });
    expect(stage.fleet.launchTemplate).toEqual({
      id,
      version: '3',
      given: {
        instanceProfile: given.instanceProfile,
        securityGroups: ['sg-0a1b2c3d4e5f60003'],
        keyPair: 'operations',
        metadataHopLimit: 2,
        kmsKeys: [],
      },
    });
  });
});
