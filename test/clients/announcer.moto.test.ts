/** The news arrive: moto, written by others from AWS's API models, delivers them to queues that this test reads. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announcerAdapter } from '../../lambdas/clients/announcer.ts';
import { jsonCaller } from '../../lambdas/clients/wire/aws-json.ts';
import { sendQuery, tagged } from '../../lambdas/clients/wire/aws-query.ts';
import { testClientOptions } from './aws-endpoint.ts';
import { type MotoServer, motoIsInstalled, startMoto } from './moto-server.ts';

const ACCOUNT = '123456789012';
const REGION = 'ap-northeast-1';
const EXECUTION = `arn:aws:states:${REGION}:${ACCOUNT}:execution:irekae-shop:deploy-2`;

describe.skipIf(!motoIsInstalled())('The news, in front of moto', () => {
  let moto: MotoServer;
  beforeAll(async () => {
    moto = await startMoto([]);
  }, 60_000);
  afterAll(() => moto?.stop());

  const options = () => ({
    region: REGION,
    endpoint: moto.url,
    credentials: async () => testClientOptions(moto.url).credentials,
    timeoutMs: 20_000,
    pauseMs: 1,
  });
  const ask = (service: string, Action: string, form: Record<string, string>) =>
    sendQuery(options(), service, { Action, ...form });
  const sqs = (Action: string, form: Record<string, string>) =>
    ask('sqs', Action, { Version: '2012-11-05', ...form });
  const makeQueue = async (name: string) => {
    await sqs('CreateQueue', { QueueName: name });
    return `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;
  };
  /** The body of the only message in the queue. */
  const received = async (name: string): Promise<Record<string, unknown>> => {
    const form = { QueueUrl: `${moto.url}/${ACCOUNT}/${name}`, MaxNumberOfMessages: '10' };
    const answer = await sqs('ReceiveMessage', form);
    const bodies = [...answer.matchAll(/<Body>([^<]*)<\/Body>/g)].map(([, body = '']) => body);
    expect(bodies).toHaveLength(1);
    const text = bodies[0]?.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
    return JSON.parse(text ?? '');
  };

  it('reach whoever subscribed to the topic, with subject and attributes', async () => {
    const topic = tagged(
      await ask('sns', 'CreateTopic', { Version: '2010-03-31', Name: 'news' }),
      'TopicArn',
    );
    const Endpoint = await makeQueue('people');
    await ask('sns', 'Subscribe', {
      Version: '2010-03-31',
      TopicArn: topic ?? '',
      Protocol: 'sqs',
      Endpoint,
    });
    await announcerAdapter(topic ?? '', options()).tellPeople({
      subject: 'Deployed: shop, in 45 s',
      body: 'shop was deployed.\nTo do: nothing & 入れ替え.\n',
      chat: { version: '1.0' },
      attributes: { fleet: 'shop', result: 'deployed' },
    });
    expect(await received('people')).toMatchObject({
      Subject: 'Deployed: shop, in 45 s',
      Message: 'shop was deployed.\nTo do: nothing & 入れ替え.\n',
      MessageAttributes: {
        fleet: { Type: 'String', Value: 'shop' },
        result: { Type: 'String', Value: 'deployed' },
      },
    });
  });

  it('are refused by a topic that does not exist', async () => {
    const nobody = announcerAdapter(`arn:aws:sns:${REGION}:${ACCOUNT}:nobody`, options());
    await expect(
      nobody.tellPeople({ subject: 'x', body: 'x', chat: {}, attributes: {} }),
    ).rejects.toMatchObject({
      name: 'ServiceRefused',
    });
  });

  it('match the rule of docs/events.md', async () => {
    const events = jsonCaller('events', options());
    const Arn = await makeQueue('machines');
    const pattern = {
      source: ['irekae'],
      'detail-type': ['Deployment ended'],
      detail: { environment: ['production'] },
    };
    const rule = { Name: 'ended', EventPattern: JSON.stringify(pattern) };
    await events({ operation: 'PutRule', input: rule, doing: 'put the rule' });
    const input = { Rule: 'ended', Targets: [{ Id: 'queue', Arn }] };
    await events({ operation: 'PutTargets', input, doing: 'put the target' });
    const { tellMachines } = announcerAdapter('', options());
    const event = { detailType: 'Deployment ended', resources: [EXECUTION], at: new Date(1772355600000) };
    await tellMachines({ ...event, detail: { environment: 'staging' } });
    await tellMachines({ ...event, detail: { environment: 'production', deployment: 'deploy-2' } });
    expect(await received('machines')).toMatchObject({
      source: 'irekae',
      'detail-type': 'Deployment ended',
      resources: [EXECUTION],
      detail: { environment: 'production', deployment: 'deploy-2' },
    });
  });
});
