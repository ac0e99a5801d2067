/** The guard of permissions: what CloudFormation asks it, and what it is told. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerTo, type ChangeRequest } from '../../lambdas/domain/lock/change-request.ts';
import { type Change, losersOf } from '../../lambdas/domain/lock/permission-change.ts';
import { handler } from '../../lambdas/guard/guard-permissions.ts';
import { LedgerModel } from '../../simulator/world/ledger.ts';
import type { Surroundings } from '../../simulator/world/surroundings.ts';

const STACK = 'arn:aws:cloudformation:ap-northeast-1:222222222222:stack/irekae-live/0a1b';
const EXECUTION = 'arn:aws:states:ap-northeast-1:222222222222:execution';
const NOW = new Date('2026-11-22T10:00:00Z');

const app = { app: 'aaaabbbbcccc' };
const both = { ...app, jobs: 'aaaadddd' };

describe('Who loses something', () => {
  it.each<[string, Change['before'], Change['after'], string[]]>([
    ['nobody, when nothing changes', both, both, []],
    ['nobody, by what is added', app, { app: 'aaaabbbbcccceeee' }, []],
    ['who lacks one word', both, { ...both, app: 'aaaacccc' }, ['app']],
    ['nobody, when another fleet still needs it', both, { app: 'aaaabbbb', jobs: 'aaaacccc' + 'dddd' }, []],
    ['who is gone', both, app, ['jobs']],
    ['nobody, when a fleet comes', app, both, []],
    ['nobody, when there was no guard yet', {}, both, []],
    ['not by a word that begins in another', { app: 'aaaabbbb' }, { app: 'xxaaaabbbbxx' }, ['app']],
  ])('%s', (_, before, after, losers) => expect(losersOf({ before, after })).toEqual(losers));
});

interface Scene {
  readonly request?: Partial<ChangeRequest>;
  readonly properties?: Partial<ChangeRequest['ResourceProperties']>;
  readonly before?: Change['before'];
  /** Who holds which lock. */
  readonly held?: Readonly<Record<string, string>>;
  readonly statuses?: Readonly<Record<string, string | Error>>;
  /** Does the ledger not answer? */
  readonly isAway?: boolean;
}

async function asked({ request, properties, before = both, held = {}, statuses = {}, isAway }: Scene) {
  const ledger = new LedgerModel({ now: () => NOW.getTime(), emit: () => {} } as object as Surroundings);
  for (const [fleet, name] of Object.entries(held))
    ledger.take(fleet, { holder: `${EXECUTION}:irekae-${fleet}:${name}`, startedBy: 'Hanako' });
  const all = { 'irekae-live': 'UPDATE_IN_PROGRESS', ...statuses };
  const answer = await answerTo(
    {
      RequestType: 'Update',
      ResponseURL: 'https://answer.example/secret',
      StackId: STACK,
      RequestId: 'r-1',
      LogicalResourceId: 'PermissionGuard',
      ResourceProperties: { Environment: 'live', Needs: { app: 'aaaa', jobs: 'aaaa' }, ...properties },
      OldResourceProperties: { Needs: before },
      ...request,
    },
    {
      ledger: {
        read: async (fleet) => {
          if (isAway) throw new Error('DynamoDB is away');
          return ledger.read(fleet);
        },
        take: async (...args) => ledger.take(...args),
        release: async (...args) => ledger.release(...args),
      },
      stacks: {
        status: async (name) => {
          const status = all[name as keyof typeof all] as string | Error | undefined;
          if (status instanceof Error) throw status;
          return status;
        },
      },
    },
  );
  const holders = ['app', 'jobs'].map((fleet) => ledger.read(fleet)?.held?.holder.split(':').at(-1));
  return { ...answer, holders };
}

const CLOSED = 'cdk-deploy-live';

describe('Before the first role changes', () => {
  it.each<[string, Scene, string, RegExp, (string | undefined)[]]>([
    [
      'whoever loses something is closed',
      {},
      'SUCCESS',
      /^no deployment of app and jobs starts until/,
      [CLOSED, CLOSED],
    ],
    ['asking twice closes once', { held: { app: CLOSED } }, 'SUCCESS', /no deployment of/, [CLOSED, CLOSED]],
    [
      'nobody is closed who loses nothing',
      { properties: { Needs: both } },
      'SUCCESS',
      /no fleet loses anything/,
      [undefined, undefined],
    ],
    [
      'one that is being deployed holds up all, and nobody stays closed',
      { held: { jobs: 'd-7' } },
      'FAILED',
      /irekae-jobs:d-7 holds the lock of jobs since 2026-11-22T10:00:00.000Z, in the phase agree\. Nothing was changed: deploy again when it has ended \(.*status FLEET\)/,
      [undefined, 'd-7'],
    ],
    [
      'one that loses nothing may be deployed meanwhile',
      { held: { jobs: 'd-7' }, properties: { Needs: { app: 'aaaabbbb', jobs: 'aaaadddd' } } },
      'SUCCESS',
      /no deployment of app starts/,
      [CLOSED, 'd-7'],
    ],
    [
      'a fleet without a stack may go',
      { properties: { Needs: app } },
      'SUCCESS',
      /no fleet loses/,
      [undefined, undefined],
    ],
    [
      'a fleet with one may not',
      { properties: { Needs: app }, statuses: { 'irekae-live-fleet-jobs': 'UPDATE_COMPLETE' } },
      'FAILED',
      /stack of jobs is still there.*remove it first \(.*remove FLEET\)/,
      [undefined, undefined],
    ],
    [
      'a rollback comes through, and opens what was closed',
      {
        properties: { Needs: both },
        before: { app: 'aaaa', jobs: 'aaaa' },
        held: { app: CLOSED, jobs: 'd-7' },
        statuses: { 'irekae-live': 'UPDATE_ROLLBACK_IN_PROGRESS' },
      },
      'SUCCESS',
      /rolled back/,
      [undefined, 'd-7'],
    ],
    [
      'a rollback does not open what an earlier change has closed, whose stack is not deployed yet',
      {
        properties: { Needs: both },
        before: { ...both, jobs: 'aaaa' },
        held: { app: CLOSED, jobs: 'd-7' },
        statuses: { 'irekae-live': 'UPDATE_ROLLBACK_IN_PROGRESS' },
      },
      'SUCCESS',
      /rolled back/,
      [CLOSED, 'd-7'],
    ],
    [
      'a rollback comes through, although the ledger does not answer: a clean-up opens',
      {
        properties: { Needs: both },
        before: { app: 'aaaa', jobs: 'aaaa' },
        held: { app: CLOSED },
        statuses: { 'irekae-live': 'UPDATE_ROLLBACK_IN_PROGRESS' },
        isAway: true,
      },
      'SUCCESS',
      /rolled back/,
      [CLOSED, undefined],
    ],
    [
      'what could not be looked at is not free',
      { statuses: { 'irekae-live': new Error('AWS could not say') } },
      'FAILED',
      /AWS could not say/,
      [undefined, undefined],
    ],
    [
      'what is made takes nothing',
      { request: { RequestType: 'Create' }, held: { app: 'd-7' } },
      'SUCCESS',
      /nothing is taken/,
      ['d-7', undefined],
    ],
    [
      'nor does what is deleted',
      { request: { RequestType: 'Delete' }, held: { app: 'd-7' } },
      'SUCCESS',
      /nothing is taken/,
      ['d-7', undefined],
    ],
  ])('%s', async (_, scene, status, reason, holders) => {
    const { Status, Reason, holders: found } = await asked(scene);
    expect({ Status, found }).toEqual({ Status: status, found: holders });
    expect(Reason).toMatch(reason);
  });
});

describe('Once a fleet has its definition', () => {
  it.each<[string, Scene, (string | undefined)[]]>([
    ['it is open', { held: { app: CLOSED, jobs: CLOSED } }, [undefined, CLOSED]],
    [
      'also when it is made',
      { request: { RequestType: 'Create' }, held: { app: CLOSED } },
      [undefined, undefined],
    ],
    ['a deployment goes on', { held: { app: 'd-7' } }, ['d-7', undefined]],
  ])('%s', async (_, scene, holders) => {
    const { Status, holders: found } = await asked({ ...scene, properties: { Opens: 'app', Needs: app } });
    expect({ Status, found }).toEqual({ Status: 'SUCCESS', found: holders });
  });

  it('does not fail the stack: a clean-up opens it, too', async () => {
    const silent = () => Promise.reject(new Error('DynamoDB is away'));
    const request = {
      RequestType: 'Update',
      StackId: STACK,
      ResourceProperties: { Environment: 'live', Opens: 'app', Needs: app },
    } as unknown as ChangeRequest;
    const ledger = { read: silent, take: silent, release: silent };
    const verdict = await answerTo(request, { ledger, stacks: { status: silent } });
    expect(verdict).toEqual({ Status: 'SUCCESS', Reason: expect.stringMatching(/within minutes: DynamoDB/) });
  });
});

describe('CloudFormation', () => {
  // What the guard logs is for CloudWatch.
  beforeEach(() => void vi.spyOn(process.stdout, 'write').mockReturnValue(true));
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
  });
  const event = {
    RequestType: 'Delete',
    ResponseURL: 'https://answer.example/secret',
    StackId: STACK,
    RequestId: 'r-1',
    LogicalResourceId: 'PermissionGuard',
    ResourceProperties: { ServiceToken: 'arn', Environment: 'live', Needs: both },
  };
  const live = () => {
    vi.stubEnv('AWS_REGION', 'ap-northeast-1');
    vi.stubEnv('IREKAE_LEDGER_TABLE', 'ledger');
  };

  it('is answered where it waits', async () => {
    live();
    const put = vi.fn(async (_address: string, _request: RequestInit) => new Response(''));
    vi.stubGlobal('fetch', put);
    await handler(event);
    expect(put).toHaveBeenCalledTimes(1);
    const [address, { method, body }] = put.mock.calls[0] ?? ['', {}];
    expect({ address, method }).toEqual({ address: event.ResponseURL, method: 'PUT' });
    expect(JSON.parse(String(body))).toEqual({
      Status: 'SUCCESS',
      Reason: 'nothing is taken from anybody',
      StackId: STACK,
      RequestId: 'r-1',
      LogicalResourceId: 'PermissionGuard',
      PhysicalResourceId: 'PermissionGuard',
    });
  });

  /** What it is answered, whatever else is there. */
  async function answered(changes: object): Promise<Record<string, string>> {
    const put = vi.fn(async (_address: string, _request: RequestInit) => new Response(''));
    vi.stubGlobal('fetch', put);
    await handler({ ...event, ...changes });
    return JSON.parse(String(put.mock.calls.at(-1)?.[1].body));
  }

  it.each([
    [
      'by the name that it had, when it is deleted',
      { PhysicalResourceId: 'of-before' },
      'SUCCESS',
      'of-before',
    ],
    ['also for what was never made', { PhysicalResourceId: STACK, ResourceProperties: {} }, 'SUCCESS', STACK],
    ['when it is made', { RequestType: 'Create' }, 'SUCCESS', 'PermissionGuard'],
    [
      'no, with properties of something else',
      { RequestType: 'Update', ResourceProperties: { Fleets: [] } },
      'FAILED',
      'PermissionGuard',
    ],
    [
      'no, with properties of no shape',
      { RequestType: 'Create', ResourceProperties: null },
      'FAILED',
      'PermissionGuard',
    ],
  ])('is answered %s', async (_, changes, Status, PhysicalResourceId) => {
    live();
    expect(await answered(changes)).toMatchObject({
      Status,
      PhysicalResourceId,
      StackId: STACK,
      RequestId: 'r-1',
    });
  });

  it('is answered no, when nobody knows which ledger', async () =>
    expect(await answered({ RequestType: 'Update' })).toMatchObject({
      Status: 'FAILED',
      Reason: expect.stringMatching(/ledger.*Deploy the stack again/),
    }));

  it('is answered in less than it reads, whatever a service said', async () => {
    live();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    const put = vi.fn(async (address: string, _request: RequestInit) =>
      address === event.ResponseURL
        ? new Response('')
        : new Response(`<Message>${'長'.repeat(9_000)}</Message>`, { status: 400 }),
    );
    vi.stubGlobal('fetch', put);
    await handler({ ...event, RequestType: 'Update' });
    const body = String(put.mock.calls.at(-1)?.[1].body);
    expect(JSON.parse(body)).toMatchObject({ Status: 'FAILED' });
    expect(Buffer.byteLength(body)).toBeLessThan(4_096);
  });

  it('is asked again where it does not listen, and its address is told to nobody', async () => {
    live();
    const put = vi.fn(async () => new Response('', { status: 503 }));
    vi.stubGlobal('fetch', put);
    const failed = await handler(event).catch((error: Error) => error);
    expect(put).toHaveBeenCalledTimes(3);
    expect(failed).toMatchObject({ name: 'ServiceUnavailable' });
    expect(JSON.stringify([Object(failed).message, Object(failed).stack])).not.toContain('secret');
  });

  it.each([
    ['nonsense', { nonsense: true }],
    ['an address without TLS', { ...event, ResponseURL: 'http://answer.example/' }],
  ])('did not send %s', async (_, document) =>
    expect(await handler(document).catch((error: Error) => error)).toMatchObject({ name: 'StepCrashed' }),
  );
});
