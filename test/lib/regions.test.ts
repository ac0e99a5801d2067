/** Clouds of their own: China and the European Sovereign Cloud. What is deployed there names nothing of another one. */
import { describe, expect, it } from 'vitest';
import { fleetsFile } from '../../examples/reactio/fleets.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { synthesizeTemplates } from '../../lib/synthesize.ts';
import { some } from '../support/thorough.ts';
import { everythingGiven, type LooseFile } from './fleets.ts';
import { statementsOf } from './template.ts';

const CLOUDS = [
  ['cn-north-1', 'aws-cn', 'amazonaws.com.cn', 'console.amazonaws.cn'],
  ['cn-northwest-1', 'aws-cn', 'amazonaws.com.cn', 'console.amazonaws.cn'],
  ['eusc-de-east-1', 'aws-eusc', 'amazonaws.eu', 'console.amazonaws-eusc.eu'],
  ['us-gov-west-1', 'aws-us-gov', 'amazonaws.com', 'console.amazonaws-us-gov.com'],
] as const;

/** The file with all its environments in a Region, and its ARNs in a partition. */
const moved = (file: unknown, region: string, partition: string): LooseFile =>
  JSON.parse(
    JSON.stringify(file)
      .replaceAll(/"region":"[^"]+"/g, `"region":"${region}"`)
      .replaceAll('arn:aws:', `arn:${partition}:`)
      .replaceAll('eu-west-1', region),
  );

describe.each(some(CLOUDS))('In %s', (region, partition, suffix, console) => {
  // Once for both tests: synthesis is what takes the time.
  let made: ReturnType<typeof synthesizeTemplates>[] | undefined;
  const templates = () => {
    made ??= [fleetsFile, everythingGiven()].map((file) =>
      synthesizeTemplates(readFleets(moved(file, region, partition))),
    );
    return made;
  };

  it('the stacks name its own ARNs, hosts and console alone', () => {
    const text = JSON.stringify(templates());
    const partitions = new Set(text.match(/arn:aws[a-z-]*(?=:)/g));
    expect([...partitions]).toEqual([`arn:${partition}`]);
    const consoles = new Set(text.match(/console\.(aws\.)?amazon[a-z-]*\.[a-z]+/g));
    expect([...consoles]).toEqual([console]);
    // Services are principals under one name in every partition; a key is used through its own Region's host.
    const through = text.match(/"kms:ViaService":"[^"]+"/g) ?? [];
    expect(through.length).toBeGreaterThan(0);
    for (const each of through)
      expect(each).toMatch(new RegExp(`\\.${region}\\.${suffix.replaceAll('.', '\\.')}"$`));
  });

  it('a host’s role may be handed to EC2 under whichever name EC2 has there', () => {
    const [example] = templates();
    const [pass, ...others] = statementsOf(
      example?.production ?? { Resources: {} },
      'launch-new-instances',
    ).filter(({ Action: action }) => [action].flat().includes('iam:PassRole'));
    expect(others).toEqual([]);
    expect(pass?.Condition).toEqual({
      StringEquals: {
        'iam:PassedToService':
          suffix === 'amazonaws.com' ? 'ec2.amazonaws.com' : ['ec2.amazonaws.com', `ec2.${suffix}`],
      },
    });
  });
});

describe('Something of another cloud is refused in one sentence', () => {
  const problems = (file: LooseFile): string[] => {
    try {
      readFleets(file);
      return [];
    } catch (error) {
      return (error as Error).message.split('\n').slice(1);
    }
  };
  const BEGINS = 'an ARN that begins with arn:aws-cn:, as all do in cn-north-1';

  it.each<[string, (file: LooseFile) => void, string[]]>([
    [
      'a managed policy',
      ({ fleets }) =>
        Object.assign(fleets[0] ?? {}, {
          instanceProfile: {
            kind: 'made',
            managedPolicies: ['arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore'],
          },
        }),
      ['instanceProfile.managedPolicies.0'],
    ],
    [
      'a given profile',
      ({ fleets }) =>
        Object.assign(fleets[0] ?? {}, {
          instanceProfile: {
            kind: 'given',
            arn: 'arn:aws:iam::333333333333:instance-profile/web',
            roleArn: 'arn:aws:iam::333333333333:role/hosts/web',
          },
        }),
      ['instanceProfile.arn', 'instanceProfile.roleArn'],
    ],
    [
      'a key',
      ({ fleets }) =>
        Object.assign(fleets[0] ?? {}, {
          kmsKeys: ['arn:aws:kms:cn-north-1:333333333333:key/11112222-3333-4444-5555-666677778888'],
        }),
      ['kmsKeys.0'],
    ],
    [
      'a target group',
      ({ fleets }) =>
        Object.assign(fleets[0] ?? {}, {
          loadBalancers: [
            {
              kind: 'target-group',
              arn: 'arn:aws:elasticloadbalancing:cn-north-1:333333333333:targetgroup/web/0123456789abcdef',
            },
          ],
        }),
      ['loadBalancers.0.arn'],
    ],
  ])('%s', (_, change, fields) => {
    const file = moved(everythingGiven(), 'cn-north-1', 'aws-cn');
    expect(problems(file)).toEqual([]);
    change(file);
    const told = problems(file);
    expect(told).toHaveLength(fields.length);
    for (const [index, field] of fields.entries())
      expect(told[index]).toMatch(new RegExp(`fleet acme-qa-web: ${field}: given .*allowed: ${BEGINS}`));
  });

  it.each(['arn:aws:kms:cn-north-1:333333333333:key/1', 'arn:aws-cn:kms:cn-northwest-1:333333333333:key/1'])(
    'the key of the API key’s parameter, %s',
    (key) => {
      const file = moved(everythingGiven(), 'cn-north-1', 'aws-cn');
      Object.assign(file.environments[0] ?? {}, {
        apiKeyKmsKeyArn: key.replace(/1$/, '11112222-3333-4444-5555-666677778888'),
      });
      expect(problems(file).join()).toMatch(
        /environment qa: apiKeyKmsKeyArn: given .*allowed: a key of the environment's Region, arn:aws-cn:kms:cn-north-1:…/,
      );
    },
  );

  it('a promotion across clouds', () => {
    const file = structuredClone(fleetsFile) as unknown as LooseFile;
    for (const environment of file.environments)
      if (environment.name === 'production') environment.region = 'eusc-de-east-1';
    expect(problems(file).join()).toContain('that one is in aws, and S3 copies within one only');
  });
});
