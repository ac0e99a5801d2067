/** The command's way to AWS: which services it asks, where, and with whose credentials. */
import { afterEach, expect, it, vi } from 'vitest';
import { irekae } from '../../bin/command/irekae.ts';
import { connect } from '../../bin/command/live/connection.ts';
import { xml } from '../clients/aws-endpoint.ts';
import { ACCOUNT, CALLER, FLEET, worldFleets } from './desk.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

interface Asked {
  readonly host: string;
  readonly what: string;
  readonly authorization: string;
}

/** Answers by host name; notes what was asked. */
function stubAws(answers: Readonly<Record<string, string>>): Asked[] {
  const asked: Asked[] = [];
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDOPERATOR');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubGlobal('fetch', async (request: Request) => {
    const { host } = new URL(request.url);
    const what = request.headers.get('x-amz-target') ?? (await request.text());
    asked.push({ host, what, authorization: request.headers.get('authorization') ?? '' });
    return new Response(answers[host] ?? '{}', { status: host in answers ? 200 : 500 });
  });
  return asked;
}

const caller = xml({ GetCallerIdentityResult: { Account: ACCOUNT, Arn: CALLER.arn } });
const outputs = (key: string) => xml({ Outputs: { member: { OutputKey: key, OutputValue: 'ledger-1' } } });

async function cancel() {
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  const setup = { fleetsFile: worldFleets, connect, print: say, complain: say };
  return { exitCode: await irekae(['cancel', FLEET], setup), said: said.join('\n') };
}

it('asks STS who we are, the stack for its ledger, and the ledger, all in the Region of the fleet', async () => {
  const asked = stubAws({
    'sts.ap-northeast-1.amazonaws.com': caller,
    'cloudformation.ap-northeast-1.amazonaws.com': outputs('LedgerTable'),
    'dynamodb.ap-northeast-1.amazonaws.com': '{}',
  });
  const { exitCode, said } = await cancel();
  expect(said).toMatch(/^No deployment of reactio-production-app is running \(it was never deployed\)/);
  expect(exitCode).toBe(1);
  expect(asked.map(({ host, what }) => `${host.split('.')[0]} ${what}`)).toEqual([
    'sts Action=GetCallerIdentity&Version=2011-06-15',
    'cloudformation Action=DescribeStacks&Version=2010-05-15&StackName=irekae-production',
    'dynamodb DynamoDB_20120810.GetItem',
  ]);
  for (const { authorization } of asked)
    expect(authorization).toMatch(/Credential=AKIDOPERATOR\/\d+\/ap-northeast-1\//);
});

it('asks nobody but STS with the credentials of another account', async () => {
  const stranger = caller.replaceAll(ACCOUNT, '999999999999');
  const asked = stubAws({ 'sts.ap-northeast-1.amazonaws.com': stranger });
  expect(await cancel()).toMatchObject({
    exitCode: 1,
    said: expect.stringMatching(/belong to 999999999999/),
  });
  expect(asked).toHaveLength(1);
});

it('says what to do about a stack that has no ledger yet', async () => {
  stubAws({
    'sts.ap-northeast-1.amazonaws.com': caller,
    'cloudformation.ap-northeast-1.amazonaws.com': outputs('ArtifactBucket'),
  });
  expect((await cancel()).said).toMatch(/Deploy it again \(npx cdk deploy irekae-production\)/);
});
