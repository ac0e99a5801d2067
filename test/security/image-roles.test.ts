/** CI of the machine image may touch only what its build made: who holds its role for an hour is asked here. */
import { describe, expect, it } from 'vitest';
import { REGION, statementsOf } from '../examples/ci-roles.ts';
import { allows, type IamRequest } from '../support/iam.ts';

const STAGING = '111111111111';
const PRODUCTION = '222222222222';
const STRANGER = '999999999999';
const own = (rest: string) => `arn:aws:ec2:${REGION}:${STAGING}:${rest}`;
const free = (rest: string) => `arn:aws:ec2:${REGION}::${rest}`;
type Context = NonNullable<IamRequest['context']>;
const call = (name: string, resource: string, context: Context = {}): IamRequest => ({
  action: `ec2:${name}`,
  resource,
  context,
});

const BUILD = { 'aws:ResourceTag/image-build': 'reactio' };
const BORN = {
  'aws:RequestTag/image-build': 'reactio',
  'aws:RequestTag/Name': 'packer reactio',
  'aws:TagKeys': ['Name', 'image-build'],
};
const RELEASED = {
  'aws:RequestTag/stage': 'released',
  'aws:TagKeys': ['Name', 'stage', 'candidate'],
};
const CANDIDATE = { 'aws:RequestTag/stage': 'candidate', 'aws:TagKeys': ['Name', 'stage'] };
const HOST = { 'aws:ResourceTag/irekae:fleet': 'reactio-staging-app' };
const [INSTANCE, IMAGE, SNAPSHOT] = [own('instance/i-1'), free('image/ami-1'), free('snapshot/snap-1')];

const may = (environment: 'staging' | 'production', request: IamRequest) =>
  allows(statementsOf(environment, 'ImageRole'), request);

/** What Packer's amazon-ebs and the scripts ask for, in their order. */
const BUILDING: [string, IamRequest][] = [
  ['makes a key of its own', call('CreateKeyPair', own('key-pair/k'), BORN)],
  ['makes a group of its own', call('CreateSecurityGroup', own('security-group/sg-1'), BORN)],
  ['… in its network', call('CreateSecurityGroup', own('vpc/vpc-1'))],
  ['opens its group', call('AuthorizeSecurityGroupIngress', own('security-group/sg-1'), BUILD)],
  ...['instance/*', 'network-interface/*', 'volume/*'].map((each): [string, IamRequest] => [
    `launches ${each}`,
    call('RunInstances', own(each), BORN),
  ]),
  ['… from Amazon’s image', call('RunInstances', free('image/ami-0'), { 'ec2:Owner': 'amazon' })],
  ['… from its own image', call('RunInstances', IMAGE, { 'ec2:Owner': STAGING })],
  ['… in its subnet', call('RunInstances', own('subnet/subnet-1'), { 'ec2:Vpc': own('vpc/vpc-1') })],
  ['… with its key', call('RunInstances', own('key-pair/k'), BUILD)],
  ['… with its group', call('RunInstances', own('security-group/sg-1'), BUILD)],
  ['tags what it launches', call('CreateTags', INSTANCE, { ...BORN, 'ec2:CreateAction': 'RunInstances' })],
  ['stops its instance', call('StopInstances', INSTANCE, BUILD)],
  ['makes an image of it', call('CreateImage', INSTANCE, BUILD)],
  ['… which is the build’s from birth', call('CreateImage', free('image/*'), BORN)],
  ['… with its snapshots', call('CreateImage', free('snapshot/*'), BORN)],
  ['… and tagged', call('CreateTags', IMAGE, { ...BORN, 'ec2:CreateAction': 'CreateImage' })],
  ['shares the image', call('ModifyImageAttribute', IMAGE, BUILD)],
  [
    'shares its snapshot with production',
    call('ModifySnapshotAttribute', SNAPSHOT, { ...BUILD, 'ec2:Add/userId': PRODUCTION }),
  ],
  ['names it a candidate', call('CreateTags', IMAGE, { ...BUILD, ...CANDIDATE })],
  ['reads its instance’s console', call('GetConsoleOutput', INSTANCE, BUILD)],
  ['terminates its instance', call('TerminateInstances', INSTANCE, BUILD)],
  ['deletes its key', call('DeleteKeyPair', own('key-pair/k'), BUILD)],
  ['copies the candidate', call('CopyImage', IMAGE, { ...RELEASED, ...BUILD, 'ec2:Owner': STAGING })],
  ['… to an image that is new', call('CopyImage', free('image/*'), RELEASED)],
  ['… released from birth', call('CreateTags', IMAGE, { ...RELEASED, 'ec2:CreateAction': 'CopyImage' })],
  ['removes the candidate', call('DeregisterImage', IMAGE, BUILD)],
  ['removes its snapshot', call('DeleteSnapshot', SNAPSHOT, BUILD)],
];

const ATTACKS: [string, IamRequest][] = [
  ['ends a host of a fleet', call('TerminateInstances', INSTANCE, HOST)],
  [
    'ends a host that a tagger made look like the build’s',
    call('TerminateInstances', INSTANCE, { ...HOST, ...BUILD }),
  ],
  [
    'ends what is only named like the build',
    call('TerminateInstances', INSTANCE, { 'aws:ResourceTag/Name': 'packer reactio' }),
  ],
  ['ends an untagged instance', call('TerminateInstances', INSTANCE)],
  ['reads a host’s console', call('GetConsoleOutput', INSTANCE, HOST)],
  ['makes an image of a host, with its secrets', call('CreateImage', INSTANCE, HOST)],
  ['makes an image of the database', call('CreateImage', INSTANCE, { 'aws:ResourceTag/Name': 'database' })],
  ['makes an image that nobody knows', call('CreateImage', free('image/*'))],
  ['takes a snapshot of any volume', call('CreateSnapshot', own('volume/vol-1'))],
  [
    'shares a snapshot of the database',
    call('ModifySnapshotAttribute', SNAPSHOT, { 'ec2:Add/userId': STRANGER }),
  ],
  ['publishes a snapshot', call('ModifySnapshotAttribute', SNAPSHOT, { ...BUILD, 'ec2:Add/group': 'all' })],
  ['shares another image', call('ModifyImageAttribute', IMAGE)],
  ['shares a released image', call('ModifyImageAttribute', IMAGE, { 'aws:ResourceTag/stage': 'released' })],
  ['releases any image by a tag', call('CreateTags', IMAGE, { ...RELEASED })],
  ['releases its own without its test', call('CreateTags', IMAGE, { ...BUILD, ...RELEASED })],
  ['makes another image a candidate', call('CreateTags', IMAGE, CANDIDATE)],
  [
    'makes a released image a candidate',
    call('CreateTags', IMAGE, { ...CANDIDATE, 'aws:ResourceTag/stage': 'released' }),
  ],
  ['tags a released image as the build’s', call('CreateTags', IMAGE, BORN)],
  ['tags a host as the build’s', call('CreateTags', INSTANCE, { ...HOST, ...BORN })],
  [
    'lets an image be the build’s by copying',
    call('CreateTags', IMAGE, {
      ...RELEASED,
      'aws:TagKeys': ['stage', 'image-build'],
      'ec2:CreateAction': 'CopyImage',
    }),
  ],
  ['removes a released image', call('DeregisterImage', IMAGE, { 'aws:ResourceTag/stage': 'released' })],
  [
    'removes any candidate by its tag alone',
    call('DeregisterImage', IMAGE, { 'aws:ResourceTag/stage': 'candidate' }),
  ],
  ['deletes a backup', call('DeleteSnapshot', SNAPSHOT)],
  ['copies a stranger’s image', call('CopyImage', IMAGE, { ...RELEASED, 'ec2:Owner': STRANGER })],
  ['copies an image without releasing it', call('CopyImage', IMAGE, { 'ec2:Owner': STAGING })],
  ['launches without a tag', call('RunInstances', own('instance/*'))],
  ['takes an interface that is there', call('RunInstances', own('network-interface/eni-1'))],
  [
    'launches a host of a fleet',
    call('CreateTags', INSTANCE, {
      ...BORN,
      'ec2:CreateAction': 'RunInstances',
      'aws:TagKeys': ['Name', 'image-build', 'irekae:fleet'],
    }),
  ],
  ['launches a stranger’s image', call('RunInstances', IMAGE, { 'ec2:Owner': STRANGER })],
  [
    'launches in the hosts’ network',
    call('RunInstances', own('subnet/subnet-2'), { 'ec2:Vpc': own('vpc/vpc-2') }),
  ],
  ['launches in the database’s group', call('RunInstances', own('security-group/sg-2'))],
  ['launches with a person’s key', call('RunInstances', own('key-pair/admin'))],
  ['opens a host’s group', call('AuthorizeSecurityGroupIngress', own('security-group/sg-2'))],
  ['makes a group in another network', call('CreateSecurityGroup', own('vpc/vpc-2'))],
  ['gives its instance a role', { action: 'iam:PassRole', resource: `arn:aws:iam::${STAGING}:role/admin` }],
];

describe('CI of the image, in staging', () => {
  it.each(BUILDING)('%s', (_, request) => expect(may('staging', request)).toBe(true));
  it.each(ATTACKS)('never %s', (_, request) => expect(may('staging', request)).toBe(false));
});

describe('CI of the image, in production', () => {
  it.each<[string, IamRequest]>([
    ['copies staging’s candidate', call('CopyImage', IMAGE, { ...RELEASED, 'ec2:Owner': STAGING })],
    [
      '… to an image of production',
      call('CopyImage', free('image/*'), { ...RELEASED, 'ec2:Owner': PRODUCTION }),
    ],
    ['… released from birth', call('CreateTags', IMAGE, { ...RELEASED, 'ec2:CreateAction': 'CopyImage' })],
  ])('%s', (_, request) => expect(may('production', request)).toBe(true));
  it.each([...ATTACKS, ...BUILDING.filter(([, { action }]) => !/CopyImage|CreateTags/.test(action))])(
    'never %s',
    (_, request) => expect(may('production', request)).toBe(false),
  );
  it('never copies Amazon’s image past the build', () =>
    expect(may('production', call('CopyImage', IMAGE, { ...RELEASED, 'ec2:Owner': 'amazon' }))).toBe(false));
});
