/**
 * What IAM lets a promotion do, on both sides: the destination's roles by their own policies, and the source's bucket by
 * its policy. Across accounts both must allow a request.
 */
import { describe, expect, it } from 'vitest';
import { FUNCTION_NAMES, type FunctionName } from '../../lib/function-names.ts';
import { readFleets } from '../../lib/read-fleets.ts';
import { policiesOf, type Statement } from '../../lib/resolve-policies.ts';
import { synthesizeTemplates } from '../../lib/synthesize.ts';
import { looseExample } from '../lib/fleets.ts';
import { lambdaOf, listed, resource, resourcesOf, statementsOf } from '../lib/template.ts';
import { allows, deployed, type IamRequest } from '../support/iam.ts';
import { synthesize } from '../synth.ts';

const [STAGING, PRODUCTION] = ['111111111111', '222222222222'];
const REGION = 'ap-northeast-1';
const template = synthesize('production');
const SOURCE = 'arn:aws:s3:::irekae-staging-111111111111-ap-northeast-1';
const DESTINATION = 'arn:aws:s3:::irekae-production-222222222222-ap-northeast-1';
const ARTIFACT = 'reactio/app.tar.gz';
const CURRENT = 'irekae/reactio-staging-app/current.json';
const SHA = 'ab'.repeat(32);
const PROOF = `irekae/reactio-production-app/promotions/${SHA}.json`;

/** References to the stack's own bucket, by the name that it has. */
const named = (statements: readonly Statement[], bucket: string): Statement[] =>
  JSON.parse(JSON.stringify(statements).replaceAll(/arn:aws:s3:::artifacts[0-9a-z]+/g, bucket));
const identity = new Map(
  FUNCTION_NAMES.map((name) => [
    name,
    named(deployed(template, PRODUCTION ?? '', REGION, statementsOf(template, name)), DESTINATION),
  ]),
);

type Principled = Statement & { readonly Principal: unknown };
/** Of the source's bucket, as far as they speak of this principal. */
function resourcePolicy(principal: string): Statement[] {
  const policy = resource(synthesize('staging'), 'AWS::S3::BucketPolicy').PolicyDocument;
  const { Statement: statements } = deployed(synthesize('staging'), STAGING ?? '', REGION, policy) as {
    Statement: Principled[];
  };
  const account = principal.split(':')[4];
  const speaks = ({ Principal }: Principled) => {
    const { AWS: aws } = Principal as { AWS?: string };
    return aws === '*' || aws === `arn:aws:iam::${account}:root`;
  };
  return named(
    statements.filter(speaks).map(({ Principal: _, ...statement }) => statement),
    SOURCE,
  );
}

const roleArn = (name: string, account = PRODUCTION) => `arn:aws:iam::${account}:role/${name}`;
const request = (action: string, object: string, context: IamRequest['context'] = {}): IamRequest => ({
  action: `s3:${action}`,
  resource: object,
  context: { ...context, 'aws:SecureTransport': 'true' },
});
const atSource = (principal: string, { context, ...rest }: IamRequest) =>
  allows(resourcePolicy(principal), { ...rest, context: { ...context, 'aws:PrincipalArn': principal } });

/** Functions whose role may, and which the source's bucket lets. */
const whoMayRead = (asked: IamRequest): FunctionName[] =>
  FUNCTION_NAMES.filter(
    (name) =>
      allows(identity.get(name) ?? [], asked) && atSource(roleArn(`irekae-production-${name}`), asked),
  );
const whoMay = (asked: IamRequest): FunctionName[] =>
  FUNCTION_NAMES.filter((name) => allows(identity.get(name) ?? [], asked));

describe('In another account, at the source, who may', () => {
  const prefix = (key: string) => ({ 's3:prefix': key });
  it.each<[string, IamRequest, FunctionName[]]>([
    [
      'read a version of the artifact',
      request('GetObjectVersion', `${SOURCE}/${ARTIFACT}`),
      ['choose-the-candidate', 'copy-the-artifact'],
    ],
    [
      'read what the source fleet ran',
      request('GetObjectVersion', `${SOURCE}/${CURRENT}`),
      ['choose-the-candidate'],
    ],
    [
      'list the versions of the artifact',
      request('ListBucketVersions', SOURCE, prefix(ARTIFACT)),
      ['choose-the-candidate'],
    ],
    [
      'list those of what the source fleet ran',
      request('ListBucketVersions', SOURCE, prefix(CURRENT)),
      ['choose-the-candidate'],
    ],
    ['list the versions of every key', request('ListBucketVersions', SOURCE), []],
    ['list the versions of other keys', request('ListBucketVersions', SOURCE, prefix('irekae/')), []],
    ['list the bucket', request('ListBucket', SOURCE), []],
    ['read the newest artifact, unpinned', request('GetObject', `${SOURCE}/${ARTIFACT}`), []],
    [
      'read another fleet’s record',
      request('GetObjectVersion', `${SOURCE}/irekae/reactio-staging-worker/current.json`),
      [],
    ],
    [
      'read the record of a deployment',
      request('GetObjectVersion', `${SOURCE}/irekae/reactio-staging-app/deployments/d.json`),
      [],
    ],
    ['read a runtime', request('GetObjectVersion', `${SOURCE}/runtimes/perl-5.38-arm64.tar.gz`), []],
    ['write the artifact', request('PutObject', `${SOURCE}/${ARTIFACT}`), []],
    ['delete a version', request('DeleteObjectVersion', `${SOURCE}/${ARTIFACT}`), []],
    ['change the policy', request('PutBucketPolicy', SOURCE), []],
  ])('%s', (_, asked, who) => {
    expect(whoMayRead(asked)).toEqual(FUNCTION_NAMES.filter((name) => who.includes(name)));
  });

  it.each([
    ['an administrator of the destination’s account', roleArn('admin')],
    ['a role of a name that begins alike', roleArn('irekae-production-choose-the-candidate-2')],
    ['the role of another environment', roleArn('irekae-qa-choose-the-candidate')],
    [
      'a role of that name in a third account',
      roleArn('irekae-production-choose-the-candidate', '999999999999'),
    ],
  ])('not %s', (_, principal) => {
    expect(atSource(principal, request('GetObjectVersion', `${SOURCE}/${ARTIFACT}`))).toBe(false);
  });

  it('not without TLS', () => {
    const asked = request('GetObjectVersion', `${SOURCE}/${ARTIFACT}`);
    const principal = roleArn('irekae-production-copy-the-artifact');
    expect(atSource(principal, asked)).toBe(true);
    const context = { 'aws:PrincipalArn': principal, 'aws:SecureTransport': 'false' };
    expect(allows(resourcePolicy(principal), { ...asked, context })).toBe(false);
  });
});

describe('At the destination, who may', () => {
  it.each<[string, IamRequest, FunctionName[]]>([
    ['write the artifact', request('PutObject', `${DESTINATION}/${ARTIFACT}`), ['copy-the-artifact']],
    [
      'list the parts of its copy',
      request('ListMultipartUploadParts', `${DESTINATION}/${ARTIFACT}`),
      ['copy-the-artifact'],
    ],
    [
      'throw its parts away',
      request('AbortMultipartUpload', `${DESTINATION}/${ARTIFACT}`),
      ['give-up-the-promotion'],
    ],
    // Not whoever records a deployment: who deploys must not be able to prove that it may.
    [
      'write a proof',
      request('PutObject', `${DESTINATION}/${PROOF}`),
      ['write-the-proof', 'give-up-the-promotion'],
    ],
    [
      'write a proof for another fleet',
      request('PutObject', `${DESTINATION}/irekae/other/promotions/${SHA}.json`),
      [],
    ],
    ['write a runtime', request('PutObject', `${DESTINATION}/runtimes/perl-5.38-arm64.tar.gz`), []],
    ['delete the artifact', request('DeleteObject', `${DESTINATION}/${ARTIFACT}`), []],
    ['tag it', request('PutObjectTagging', `${DESTINATION}/${ARTIFACT}`), []],
    ['change who may read it', request('PutObjectAcl', `${DESTINATION}/${ARTIFACT}`), []],
  ])('%s', (_, asked, who) => {
    expect(whoMay(asked)).toEqual(FUNCTION_NAMES.filter((name) => who.includes(name)));
  });
});

describe('A proof', () => {
  /** Whoever may write whatever record there is. */
  const recorders = whoMay(request('PutObject', `${DESTINATION}/irekae/any/record`));

  it('is written by the promotion, and by nobody else who may not write every record', () => {
    const writers = [...recorders, 'write-the-proof', 'give-up-the-promotion'];
    expect(whoMay(request('PutObject', `${DESTINATION}/${PROOF}`))).toEqual(
      FUNCTION_NAMES.filter((name) => writers.includes(name)),
    );
  });

  it('is not written for a fleet that nothing is promoted to', () =>
    expect(whoMay(request('PutObject', `${DESTINATION}/irekae/other/promotions/${SHA}.json`))).toEqual(
      recorders,
    ));
});

describe('The roles that read at the source', () => {
  it.each(['choose-the-candidate', 'copy-the-artifact'])(
    'have the name that its policy knows: %s',
    (step) => {
      const [id] = (lambdaOf(template, step).Role as { 'Fn::GetAtt': [string] })['Fn::GetAtt'];
      expect(template.Resources[id]?.Properties?.RoleName).toBe(`irekae-production-${step}`);
    },
  );

  it('are the only ones with a name: nobody else is known in another account', () => {
    const roles = resourcesOf(template, 'AWS::IAM::Role').filter(
      ([, { Properties }]) => Properties?.RoleName,
    );
    expect(roles.map(([, { Properties }]) => Properties?.RoleName)).toHaveLength(2);
  });
});

describe('A source in the same account', () => {
  const file = looseExample();
  for (const environment of file.environments) Object.assign(environment, { account: STAGING });
  for (const [index, fleet] of file.fleets.entries())
    Object.assign(fleet, { mackerel: { service: `service-${index}`, role: 'app' } });
  const templates = synthesizeTemplates(readFleets(file));

  it('is opened to nobody by a policy on its bucket', () => {
    const policy = resource(templates.staging ?? template, 'AWS::S3::BucketPolicy').PolicyDocument;
    expect((policy as { Statement: Statement[] }).Statement.map(({ Effect }) => Effect)).not.toContain(
      'Allow',
    );
  });

  it('is read by the same two roles', () => {
    const statements = statementsOf(templates.production ?? template, 'copy-the-artifact');
    expect(JSON.stringify(statements)).toContain(
      'arn:aws:s3:::irekae-staging-111111111111-ap-northeast-1/reactio',
    );
  });
});

describe('A bucket that was given', () => {
  const file = looseExample();
  Object.assign(file.environments[0] ?? {}, { existingBucket: 'our-artifacts' });
  const { staging } = synthesizeTemplates(readFleets(file));
  if (staging === undefined) throw new Error('staging was not synthesized');

  it('keeps its policy; the stack says which statements it needs', () => {
    expect(resourcesOf(staging, 'AWS::S3::BucketPolicy')).toEqual([]);
    const { ArtifactBucketPolicy: output } = staging.Outputs as Record<string, { Value: string }>;
    const text = deployed(staging, STAGING ?? '', REGION, output?.Value ?? '');
    const all = JSON.parse(text) as Principled[];
    const statements = all.filter(({ Effect }) => Effect === 'Allow');
    expect(all.slice(statements.length).map(({ Resource }) => Resource)).toEqual([
      ['app', 'worker'].flatMap((fleet) =>
        ['current.json', 'deployments/*'].map(
          (name) => `arn:aws:s3:::our-artifacts/irekae/reactio-staging-${fleet}/${name}`,
        ),
      ),
      ['app', 'worker'].map(
        (fleet) => `arn:aws:s3:::our-artifacts/irekae/reactio-staging-${fleet}/promotions/*.json`,
      ),
    ]);
    expect(statements.map(({ Action }) => Action)).toEqual([
      's3:GetObjectVersion',
      's3:GetObjectVersion',
      's3:ListBucketVersions',
    ]);
    expect(statements.flatMap(({ Resource }) => listed(Resource))).toEqual([
      'arn:aws:s3:::our-artifacts/reactio/app.tar.gz',
      `arn:aws:s3:::our-artifacts/${CURRENT}`,
      'arn:aws:s3:::our-artifacts',
    ]);
    expect(statements[0]?.Principal).toEqual({ AWS: `arn:aws:iam::${PRODUCTION}:root` });
  });
});

describe('An environment that nothing is promoted to', () => {
  it('has no function and no machine of a promotion', () => {
    const names = resourcesOf(synthesize('staging'), 'AWS::Lambda::Function').map(([, { Properties }]) =>
      String(Properties?.FunctionName),
    );
    expect(names.filter((name) => /candidate|proof|copy|promotion/.test(name))).toEqual([]);
    const machines = resourcesOf(synthesize('staging'), 'AWS::StepFunctions::StateMachine');
    expect(JSON.stringify(machines)).not.toContain('-promote');
  });
});

describe('The machine of a promotion', () => {
  it('may invoke the steps, and write its log and traces', () => {
    const { RoleArn: role } = resource(
      template,
      'AWS::StepFunctions::StateMachine',
      '"irekae-reactio-production-app-promote"',
    );
    const id = (role as { 'Fn::GetAtt': [string] })['Fn::GetAtt'][0];
    const actions = policiesOf(template, id).flatMap(({ Action }) => Action);
    // All machines of an environment share the role: it may also start the one that wakes functions, and no other.
    expect(actions.filter((action) => !/^(logs|xray):/.test(action)).sort()).toEqual([
      'lambda:InvokeFunction',
      'states:StartExecution',
    ]);
  });
});
