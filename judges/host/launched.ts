/** What a deployment gives to its instances: the user data that *Launch new instances* asks for, and their role. */
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import type { PinnedArtifact } from '../../lambdas/domain/core/artifact.ts';
import type { Fleet } from '../../lambdas/domain/core/fleet.ts';
import { launchNewInstances } from '../../lambdas/launch-new-instances.ts';
import type { LaunchRequest } from '../../lambdas/ports/ec2.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { toRuntimeFleet } from '../../lib/runtime-fleet.ts';
import { synthesizeTemplates } from '../../lib/synthesize.ts';
import { agreed, RELEASE } from '../../test/support/deployments.ts';
import { aNewInstance } from '../../test/support/facts.ts';
import { portsWith } from '../../test/support/ports.ts';
import { resourcesOf } from '../moto/resources.ts';

export interface Deployed {
  readonly fleet: Fleet;
  readonly account: string;
  readonly region: string;
  /** Of the hosts' role. */
  readonly policies: readonly object[];
}

/** The first fleet of the fleets file, as the template makes it. */
export function deployed(): Deployed {
  const [environment] = readFleets(fleetsFile);
  const [config] = environment?.fleets ?? [];
  if (environment === undefined || config === undefined) throw new Error('the example names no fleet');
  const { account, region, name } = environment;
  const template = synthesizeTemplates([environment])[name];
  if (template === undefined) throw new Error(`no template of ${name}`);
  const resources = resourcesOf(template, { account, region });
  const bucketName = resources.find(({ type }) => type === 'AWS::S3::Bucket')?.name ?? '';
  const fleet = toRuntimeFleet(config, environment, {
    bucketName,
    launchTemplateId: 'lt-1',
    launchTemplateVersion: '1',
  });
  const role = resources.find(
    ({ type, properties }) =>
      type === 'AWS::IAM::Role' &&
      JSON.stringify(properties.AssumeRolePolicyDocument).includes('"ec2.amazonaws.com'),
  );
  const policies = (role?.properties.Policies ?? []) as { PolicyDocument: object }[];
  return { fleet, account, region, policies: policies.map(({ PolicyDocument }) => PolicyDocument) };
}

export async function launchedWith(fleet: Fleet, pinned: readonly PinnedArtifact[]): Promise<LaunchRequest> {
  const requests: LaunchRequest[] = [];
  const launch = async (request: LaunchRequest) => {
    requests.push(request);
    return Array.from({ length: request.count }, (_, n) => aNewInstance(`i-${requests.length}${n}`));
  };
  const of = (key: string) => {
    const found = pinned.find((each) => each.key === key);
    if (found === undefined) throw new Error(`${key} was not uploaded`);
    return found;
  };
  const release = {
    ...RELEASE,
    artifact: fleet.artifact.key === undefined ? null : of(fleet.artifact.key),
    runtimes: fleet.runtimes.map(({ key, directory }) => ({ ...of(key), directory })),
  };
  await launchNewInstances.run(agreed({ fleet, release }), portsWith({ ec2: { launch } }, new Date()));
  const [first] = requests;
  if (first === undefined) throw new Error('the step launched nothing');
  return first;
}
