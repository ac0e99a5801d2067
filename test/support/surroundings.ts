/** Where the calls of an environment are made: on the modelled world, with the parts that its templates have. */
import type { Environment } from '../../lib/read-fleets.ts';
import type { TemplateJson } from '../../lib/synthesize.ts';
import { ACCOUNT, REGION } from '../../simulator/run-definition.ts';
import type { World } from '../../simulator/world/world.ts';
import { resourcesOf } from '../lib/template.ts';
import { deployed } from './iam.ts';
import type { Surroundings } from './iam-requests.ts';

export interface Deployed {
  readonly own: Environment;
  readonly template: TemplateJson;
}

export function surroundings({ own, template }: Deployed, world: World): Surroundings {
  const idOf = (type: string, part: string) =>
    resourcesOf(template, type).find(([id]) => id.includes(part))?.[0] ?? '';
  return {
    account: own.account,
    region: own.region,
    ledger: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${idOf('AWS::DynamoDB::GlobalTable', 'Ledger')}`,
    news: idOf('AWS::SNS::Topic', 'News'),
    apiKeyKey: own.apiKeyKmsKeyArn,
    apiKeyParameter: own.apiKeyParameter,
    tagsOf: (id) => world.ec2.instance(id).facts.tags,
    imageOwner: (id) => {
      const image = world.ec2.findImage(id);
      return image?.ownerAlias ?? image?.owner ?? '999999999999';
    },
    parts: (name) => {
      const found = own.fleets.find((each) => each.name === name);
      if (!found) throw new Error(`${name} was launched, which is no fleet here.`);
      const { securityGroups, kmsKeys, instanceProfile, launchTemplate } = found;
      const made = idOf('AWS::IAM::Role', `hosts${name.replaceAll('-', '')}`);
      const role =
        instanceProfile.kind === 'given'
          ? instanceProfile.roleArn
          : `arn:aws:iam::${ACCOUNT}:role/irekae/${own.name}/${made}`;
      return { securityGroups, kmsKeys, role, launchTemplate };
    },
  };
}

/** With the name that the bucket has, in place of its logical id. */
export function named<T>(
  template: TemplateJson,
  { account, region }: Environment,
  bucket: string,
  value: T,
): T {
  const text = JSON.stringify(deployed(template, account, region, value));
  return JSON.parse(text.replaceAll(/arn:aws:s3:::artifacts[0-9a-z]+/g, `arn:aws:s3:::${bucket}`));
}
