import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ledgerAdapter } from '../../lambdas/clients/ledger.ts';
import { jsonCaller } from '../../lambdas/clients/wire/aws-json.ts';
import type { Ledger } from '../../lambdas/ports/ledger.ts';
import { type AwsEndpoint, startAwsEndpoint, testClientOptions } from './aws-endpoint.ts';
import { DynamoDbTable } from './dynamodb-table.ts';
import { ledgerContract } from './ledger.contract.ts';

const NOW = new Date('2026-03-01T09:00:00.000Z');

async function arrange() {
  const aws = await startAwsEndpoint();
  const table = new DynamoDbTable();
  aws.answer((request) => table.answer(request));
  const { region, credentials } = testClientOptions(aws.url);
  const options = { region, endpoint: aws.url, credentials: async () => credentials };
  const call = jsonCaller('dynamodb', { ...options, timeoutMs: 15_000, pauseMs: 1 });
  const ledger = ledgerAdapter({ call, tableName: 'irekae-ledger', now: () => NOW });
  return {
    aws,
    table,
    ledger,
    honours: { largeOverwrites: true, atomicWrites: true },
    stop: () => aws.stop(),
  };
}

/** Every request takes effect, and the answer to every first attempt is lost on its way. */
function losingAnswers({ aws, table }: { aws: AwsEndpoint; table: DynamoDbTable }): void {
  const seen = new Set<string>();
  aws.answer((request) => {
    const answer = table.answer(request);
    // The same request, sent anew by the next call of a test, may lose its answer again or not: both are fine.
    const isFirst = !seen.delete(request.body);
    if (isFirst) seen.add(request.body);
    return isFirst ? { instead: 'hang-up' } : answer;
  });
}

ledgerContract('the adapter in front of a table in memory', arrange);

ledgerContract('the adapter when each answer is lost after the write took effect', async () => {
  const subject = await arrange();
  losingAnswers(subject);
  return subject;
});

/** What people have asked for. */
const ASKED = ['cancelBy', 'cancelAt', 'waitsWhere', 'waitsUntil', 'goWhere', 'goBy', 'goAt'];

describe('the ledger’s requests', () => {
  let aws: AwsEndpoint;
  let table: DynamoDbTable;
  let ledger: Ledger;
  beforeEach(async () => {
    ({ aws, table, ledger } = await arrange());
  });
  afterEach(() => aws.stop());

  const hold = { holder: 'arn:one', generation: 7 };
  const lastInput = () => JSON.parse(aws.requests.at(-1)?.body ?? '');
  const names = (...attributes: string[]) => Object.fromEntries(attributes.map((name) => [`#${name}`, name]));
  const common = {
    TableName: 'irekae-ledger',
    Key: { fleet: { S: 'blog' } },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
  const heldByOne = { ':holder': { S: 'arn:one' }, ':generation': { N: '7' } };
  const ignoringRefusal = (asked: Promise<unknown>) => asked.catch(() => undefined);

  it('read: consistently', async () => {
    await ledger.read('blog');
    expect(aws.requests[0]?.headers).toMatchObject({
      'x-amz-target': 'DynamoDB_20120810.GetItem',
      'content-type': 'application/x-amz-json-1.0',
      authorization: expect.stringContaining('/dynamodb/aws4_request'),
    });
    expect(lastInput()).toEqual({
      TableName: 'irekae-ledger',
      Key: { fleet: { S: 'blog' } },
      ConsistentRead: true,
    });
  });

  it('take: only a free lock', async () => {
    await ledger.take('blog', { holder: 'arn:one', startedBy: 'an upload', why: 'a fix' });
    expect(lastInput()).toEqual({
      ...common,
      ConditionExpression: 'attribute_not_exists(#holder)',
      UpdateExpression:
        'SET #holder = :holder, #phase = :agree, #since = :now, #startedBy = :startedBy, #shiftRuns = :none, #why = :why ADD #generation :one',
      ExpressionAttributeNames: names(
        'holder',
        'phase',
        'since',
        'startedBy',
        'shiftRuns',
        'why',
        'generation',
      ),
      ExpressionAttributeValues: {
        ':holder': { S: 'arn:one' },
        ':agree': { S: 'agree' },
        ':now': { S: '2026-03-01T09:00:00.000Z' },
        ':startedBy': { S: 'an upload' },
        ':why': { S: 'a fix' },
        ':none': { N: '0' },
        ':one': { N: '1' },
      },
      ReturnValues: 'UPDATED_NEW',
    });
  });

  it('takeOver: only from this very hold', async () => {
    await ledger.takeOver('blog', hold, 'arn:cleanup', new Date('2026-03-01T08:50:00Z'));
    expect(lastInput()).toEqual({
      ...common,
      ConditionExpression: '#holder = :holder AND #generation = :generation',
      UpdateExpression:
        'SET #holder = :next, #since = :now, #orphanedSince = if_not_exists(#orphanedSince, :diedAt) ' +
        'ADD #generation :one REMOVE #cancelBy, #cancelAt, #waitsWhere, #waitsUntil, #goWhere, #goBy, #goAt',
      ExpressionAttributeNames: names('holder', 'generation', 'since', 'orphanedSince', ...ASKED),
      ExpressionAttributeValues: {
        ...heldByOne,
        ':next': { S: 'arn:cleanup' },
        ':diedAt': { S: '2026-03-01T08:50:00.000Z' },
        ':now': { S: '2026-03-01T09:00:00.000Z' },
        ':one': { N: '1' },
      },
    });
  });

  it('enter: only by this hold, forward, and not against a request to cancel; the document is compressed', async () => {
    await ignoringRefusal(ledger.enter('blog', hold, 'shift', '{"oldHosts":[]}'));
    const input = lastInput();
    expect(input).toEqual({
      ...common,
      ConditionExpression:
        '#holder = :holder AND #generation = :generation AND #phase IN (:phase0, :phase1, :phase2) AND attribute_not_exists(#cancelBy)',
      UpdateExpression: 'SET #phase = :phase2, #document = :document ADD #shiftRuns :one',
      ExpressionAttributeNames: names('holder', 'generation', 'phase', 'cancelBy', 'document', 'shiftRuns'),
      ExpressionAttributeValues: {
        ...heldByOne,
        ':phase0': { S: 'agree' },
        ':phase1': { S: 'bring-up' },
        ':phase2': { S: 'shift' },
        ':document': { B: expect.any(String) },
        ':one': { N: '1' },
      },
    });
    const bytes = Buffer.from(input.ExpressionAttributeValues[':document'].B, 'base64');
    expect(gunzipSync(bytes).toString()).toBe('{"oldHosts":[]}');
  });

  it('enter, by a run that acts alone: unless another one may be at work', async () => {
    const run = { id: 'run-1', until: new Date('2026-03-01T09:01:00.000Z') };
    await ignoringRefusal(ledger.enter('blog', hold, 'bring-up', '{}', { run, after: 'run-0' }));
    const { ConditionExpression, UpdateExpression, ExpressionAttributeValues } = lastInput();
    expect(ConditionExpression).toContain(
      ' AND (attribute_not_exists(#runId) OR #runId IN (:run, :after))' +
        ' AND (attribute_not_exists(#runId) OR #runId = :run OR #runOver = :one OR #runUntil <= :now)',
    );
    expect(UpdateExpression).toBe(
      'SET #phase = :phase1, #document = :document, #runId = :run, #runUntil = :until, #runOver = :over',
    );
    expect(ExpressionAttributeValues).toMatchObject({
      ':run': { S: 'run-1' },
      ':after': { S: 'run-0' },
      ':until': { S: '2026-03-01T09:01:00.000Z' },
      ':now': { S: '2026-03-01T09:00:00.000Z' },
      ':over': { N: '0' },
      ':one': { N: '1' },
    });
  });

  it('keepForHuman: only by this hold', async () => {
    await ignoringRefusal(ledger.keepForHuman('blog', hold, 'the undo failed'));
    expect(lastInput()).toEqual({
      ...common,
      ConditionExpression: '#holder = :holder AND #generation = :generation',
      UpdateExpression: 'SET #needsHuman = :why',
      ExpressionAttributeNames: names('holder', 'generation', 'needsHuman'),
      ExpressionAttributeValues: { ...heldByOne, ':why': { S: 'the undo failed' } },
    });
  });

  it('release: all of the holder’s attributes and nothing else', async () => {
    await ledger.release('blog', hold);
    expect(lastInput()).toEqual({
      ...common,
      ConditionExpression: '#holder = :holder AND #generation = :generation',
      UpdateExpression:
        'REMOVE #holder, #phase, #since, #startedBy, #why, #document, #needsHuman, #orphanedSince, #shiftRuns, #runId, #runUntil, #runOver, ' +
        '#cancelBy, #cancelAt, #waitsWhere, #waitsUntil, #goWhere, #goBy, #goAt',
      ExpressionAttributeNames: names(
        ...['holder', 'generation', 'phase', 'since', 'startedBy', 'why', 'document', 'needsHuman'],
        ...['orphanedSince', 'shiftRuns', 'runId', 'runUntil', 'runOver', ...ASKED],
      ),
      ExpressionAttributeValues: heldByOne,
    });
  });

  it('pend: only while the lock is held, into the slot as it is believed to be', async () => {
    const request = { id: 'two', input: '{}', versionId: 'v2', since: NOW };
    await ledger.pend('blog', request, undefined);
    expect(lastInput()).toEqual({
      ...common,
      ConditionExpression: 'attribute_exists(#holder) AND attribute_not_exists(#pendingId)',
      UpdateExpression:
        'SET #pendingId = :id, #pendingInput = :input, #pendingVersionId = :versionId, #pendingSince = :since' +
        ' REMOVE #pendingNewestVersionId',
      ExpressionAttributeNames: names(
        ...['holder', 'pendingId', 'pendingInput', 'pendingVersionId', 'pendingSince'],
        'pendingNewestVersionId',
      ),
      ExpressionAttributeValues: {
        ':id': { S: 'two' },
        ':input': { S: '{}' },
        ':versionId': { S: 'v2' },
        ':since': { S: '2026-03-01T09:00:00.000Z' },
      },
    });
    await ledger.pend('blog', request, { ...request, id: 'one' });
    expect(lastInput()).toMatchObject({
      ConditionExpression: 'attribute_exists(#holder) AND #pendingId = :replaced',
      ExpressionAttributeValues: { ':replaced': { S: 'one' } },
    });
  });

  it('clearPending: only of this request', async () => {
    await ledger.clearPending('blog', 'two');
    expect(lastInput()).toEqual({
      ...common,
      ConditionExpression: '#pendingId = :id',
      UpdateExpression:
        'REMOVE #pendingId, #pendingInput, #pendingVersionId, #pendingNewestVersionId, #pendingSince',
      ExpressionAttributeNames: names(
        ...['pendingId', 'pendingInput', 'pendingVersionId', 'pendingNewestVersionId', 'pendingSince'],
      ),
      ExpressionAttributeValues: { ':id': { S: 'two' } },
    });
  });

  it('requestCancel: only before the point of no return; the first request stays', async () => {
    await ledger.requestCancel('blog', 'arn:one', 'ops');
    expect(lastInput()).toEqual({
      ...common,
      ConditionExpression: '#holder = :holder AND #phase <> :late0',
      UpdateExpression:
        'SET #cancelBy = if_not_exists(#cancelBy, :by), #cancelAt = if_not_exists(#cancelAt, :now)',
      ExpressionAttributeNames: names('holder', 'phase', 'cancelBy', 'cancelAt'),
      ExpressionAttributeValues: {
        ':holder': { S: 'arn:one' },
        ':late0': { S: 'remove' },
        ':by': { S: 'ops' },
        ':now': { S: '2026-03-01T09:00:00.000Z' },
      },
    });
  });

  it('putOnHold: only where none is, or the one that it replaces; of a fleet that was never deployed, too', async () => {
    const since = new Date('2026-03-01T09:00:00Z');
    const onHold = { reason: 'it moves', by: 'ops', since };
    await ledger.putOnHold('blog', onHold, undefined);
    expect(lastInput()).toEqual({
      ...common,
      ConditionExpression: 'attribute_not_exists(#onHoldSince)',
      UpdateExpression:
        'SET #onHoldReason = :reason, #onHoldBy = :by, #onHoldSince = :since, ' +
        '#generation = if_not_exists(#generation, :none) REMOVE #onHoldUntil',
      ExpressionAttributeNames: names(
        ...['onHoldSince', 'onHoldReason', 'onHoldBy', 'generation', 'onHoldUntil'],
      ),
      ExpressionAttributeValues: {
        ':reason': { S: 'it moves' },
        ':by': { S: 'ops' },
        ':since': { S: '2026-03-01T09:00:00.000Z' },
        ':none': { N: '0' },
      },
    });
    await ledger.putOnHold('blog', { ...onHold, until: since }, { ...onHold, by: 'dev' });
    expect(lastInput()).toMatchObject({
      ConditionExpression: '#onHoldSince = :was AND #onHoldBy = :whose',
      UpdateExpression: expect.stringMatching(/, #onHoldUntil = :until$/),
      ExpressionAttributeValues: { ':whose': { S: 'dev' }, ':until': { S: '2026-03-01T09:00:00.000Z' } },
    });
  });

  it('liftHold: only this one', async () => {
    await ledger.liftHold('blog', { reason: 'it moves', by: 'ops', since: new Date('2026-03-01T09:00:00Z') });
    expect(lastInput()).toEqual({
      ...common,
      ConditionExpression: '#onHoldSince = :was AND #onHoldBy = :whose',
      UpdateExpression: 'REMOVE #onHoldReason, #onHoldBy, #onHoldSince, #onHoldUntil',
      ExpressionAttributeNames: names('onHoldSince', 'onHoldBy', 'onHoldReason', 'onHoldUntil'),
      ExpressionAttributeValues: { ':was': { S: '2026-03-01T09:00:00.000Z' }, ':whose': { S: 'ops' } },
    });
  });

  it('are told apart from a missing permission', async () => {
    const body = '{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}';
    aws.answer(() => ({ status: 400, body }));
    await expect(ledger.take('blog', { holder: 'arn:one', startedBy: 'ops' })).rejects.toMatchObject({
      name: 'ServiceRefused',
      message: expect.stringContaining('take the lock of the fleet blog'),
    });
  });

  it.each([
    ['GetItem', '', () => ledger.read('blog')],
    ['UpdateItem', '{}', () => ledger.take('blog', { holder: 'arn:one', startedBy: 'ops' })],
  ])('do not take half an answer to %s for an answer', async (_, body, ask) => {
    aws.answer(() => ({ body }));
    await expect(ask()).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it.each([
    ['no phase', { generation: { N: '1' }, holder: { S: 'arn:one' } }],
    ['a generation that is none', { generation: { S: 'first' } }],
    ['half a pending request', { generation: { N: '1' }, pendingId: { S: 'two' } }],
    [
      'a document that is not compressed',
      {
        generation: { N: '1' },
        holder: { S: 'arn:one' },
        phase: { S: 'shift' },
        since: { S: NOW.toISOString() },
        startedBy: { S: 'ops' },
        document: { B: Buffer.from('the secret document').toString('base64') },
      },
    ],
  ])('say that somebody has written to a row with %s, and do not quote it', async (_, attributes) => {
    table.put({ fleet: { S: 'blog' }, ...attributes });
    const failure = await ledger.read('blog').catch((error: Error) => error);
    expect(failure).toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining('Somebody else has written to it'),
    });
    expect(String(failure)).not.toContain('secret');
  });

  it('read a phase that this release does not know: what becomes of it is decided by whoever reads it', async () => {
    table.put({
      fleet: { S: 'blog' },
      generation: { N: '1' },
      holder: { S: 'arn:one' },
      phase: { S: 'canary' },
      since: { S: NOW.toISOString() },
      startedBy: { S: 'ops' },
    });
    expect((await ledger.read('blog'))?.held?.phase).toBe('canary');
  });

  it('release a row that cannot be read', async () => {
    const attributes = { generation: { N: '7' }, holder: { S: 'arn:one' }, phase: { S: 'dancing' } };
    table.put({ fleet: { S: 'blog' }, ...attributes });
    await ledger.release('blog', hold);
    await ledger.release('blog', hold);
    expect(await ledger.read('blog')).toEqual({ fleet: 'blog', generation: 7 });
  });
});
