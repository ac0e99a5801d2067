/** Whoever answers (a proxy, a captive portal, a broken service) sends too much, too deep, or what it was sent. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ElasticLoadBalancingClient } from '@aws-sdk/client-elastic-load-balancing';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCaller } from '../../bin/command/live/aws-query.ts';
import { announcerAdapter } from '../../lambdas/clients/announcer.ts';
import { artifactsAdapter } from '../../lambdas/clients/artifacts.ts';
import { ec2Adapter } from '../../lambdas/clients/ec2.ts';
import { executionsAdapter } from '../../lambdas/clients/executions.ts';
import { lastLookAdapter } from '../../lambdas/clients/last-look.ts';
import { loadBalancersAdapter } from '../../lambdas/clients/load-balancers.ts';
import { mackerelClient } from '../../lambdas/clients/mackerel.ts';
import { parametersAdapter } from '../../lambdas/clients/parameters.ts';
import { recordsAdapter } from '../../lambdas/clients/records.ts';
import { jsonIn } from '../../lambdas/clients/wire/answer.ts';
import { parseXml } from '../../lambdas/clients/wire/xml.ts';
import { keepSecret, masked } from '../../lambdas/domain/core/secrets.ts';
import { corpus } from './corpus.ts';

const MB = 1024 * 1024;
const KEY = 'mk/Zq3+fB9"w\\Lx7&Tn2=<Vd5>Rs8%Hj4';
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYzQ';
const TOKEN = `IQoJb3JpZ2luX2VjE${'Ab/+9='.repeat(20)}`;

/** How the next request is answered; how much of it was sent. */
let answer: { status: number; chunk: string; times: number; type: string };
let sent = 0;
const server = createServer((request, response) => {
  const { status, chunk, times, type } = answer;
  request.resume();
  response.writeHead(status, { 'content-type': type });
  response.on('error', () => {});
  let left = times;
  const more = () => {
    while (left > 0 && !response.destroyed) {
      left -= 1;
      sent += chunk.length;
      if (!response.write(chunk)) return void response.once('drain', more);
    }
    response.end();
  };
  more();
});
let url = '';
beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const credentials = { accessKeyId: 'AKIDTEST', secretAccessKey: SECRET, sessionToken: TOKEN };
const options = {
  region: 'eu-west-1',
  get endpoint() {
    return url;
  },
  credentials: async () => credentials,
  pauseMs: 0,
};
const sdk = () => ({ endpoint: url, region: 'eu-west-1', credentials, maxAttempts: 1, forcePathStyle: true });
const mackerel = () =>
  mackerelClient({ apiKey: async () => KEY, baseUrl: url, attempts: 1, timeoutMs: 30_000 });
const balancers = () =>
  loadBalancersAdapter({
    classic: new ElasticLoadBalancingClient(sdk()),
    targetGroups: new ElasticLoadBalancingV2Client(sdk()),
  });

/** Every way in which the product asks somebody over HTTP. */
const ASKED: Readonly<Record<string, () => Promise<unknown>>> = {
  'Mackerel, hosts': () => mackerel().hosts('shop', 'web'),
  'Mackerel, alerts': () => mackerel().openAlerts(),
  'Mackerel, a status': () => mackerel().setStatus(['h1'], 'working'),
  SSM: () => parametersAdapter(options).read('/shop/key'),
  'Step Functions': () => executionsAdapter(options).describe('arn:aws:states:eu-west-1:1:execution:a:b'),
  'Step Functions, history': () =>
    executionsAdapter(options).recent('arn:aws:states:eu-west-1:1:execution:a:b'),
  EventBridge: () =>
    announcerAdapter('arn:topic', options).tellMachines({
      detailType: 'x',
      detail: {},
      resources: [],
      at: new Date(0),
    } as never),
  SNS: () =>
    announcerAdapter('arn:topic', options).tellPeople({ subject: 's', body: 'b', attributes: {} } as never),
  STS: () => findCaller(options),
  'S3, a record': () => recordsAdapter(options).readRecord('bucket', 'key.json'),
  'S3, writing': () => recordsAdapter(options).writeRecord('bucket', 'key.json', {}),
  'S3, a listing': () => artifactsAdapter(new S3Client(sdk())).versions('bucket', 'key'),
  EC2: () => ec2Adapter(new EC2Client(sdk())).describe(['i-1']),
  'EC2, the last look': () => lastLookAdapter(options).ec2.describe(['i-1']),
  'a classic ELB': () => balancers().members({ kind: 'classic', name: 'web' }),
  'a target group': () =>
    balancers().members({
      kind: 'target-group',
      arn: 'arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/a/b',
    } as never),
};

const failureOf = (asking: () => Promise<unknown>) =>
  asking().then(
    () => undefined,
    (error: unknown) => error as Error,
  );

describe(`An answer without end, of ${Object.keys(ASKED).length} who are asked`, () => {
  it.each(Object.keys(ASKED))(
    '%s: is not read to its end, and it is said who answered too much',
    async (who) => {
      answer = { status: 200, chunk: `<a>${' '.repeat(MB)}</a>`, times: 400, type: 'application/json' };
      sent = 0;
      const failure = await failureOf(ASKED[who] as () => Promise<unknown>);
      expect(failure).toMatchObject({ name: 'ServiceUnavailable' });
      expect(failure?.message).toMatch(/(Mackerel|127\.0\.0\.1(:\d+)?) answered with more than 32 MB/);
      expect(sent).toBeLessThan(3 * 50 * MB);
    },
    60_000,
  );

  it.each(Object.keys(ASKED))(
    '%s: is not read to its end as a refusal, which is quoted',
    async (who) => {
      answer = { status: 400, chunk: '<'.repeat(MB), times: 60, type: 'text/html' };
      const failure = await failureOf(ASKED[who] as () => Promise<unknown>);
      expect(failure?.message.length ?? 0).toBeLessThan(2_000);
    },
    60_000,
  );
});

describe('A list that goes on for ever', () => {
  it.each([
    ['EC2', () => ec2Adapter(new EC2Client(sdk())).listByTag('a', 'b')],
    [
      'EC2, images',
      () => ec2Adapter(new EC2Client(sdk())).matchingImages({ owner: 'self', tags: {} } as never),
    ],
    ['EC2, the last look', () => lastLookAdapter(options).ec2.listByTag('a', 'b')],
  ])('%s: is given up', async (_who, asked) => {
    let page = 0;
    server.on('request', () => {
      page += 1;
      answer = { status: 200, chunk: `<R><nextToken>t${page}</nextToken></R>`, times: 1, type: 'text/xml' };
    });
    answer = { status: 200, chunk: '<R><nextToken>t0</nextToken></R>', times: 1, type: 'text/xml' };
    const failure = await failureOf(asked);
    expect(failure?.message).toMatch(/^AWS answered with more than 100 pages of a list/);
    expect(page).toBeLessThan(120);
  });
});

describe('An answer that is nested without end', () => {
  const DEEP = [
    '['.repeat(1e6),
    `${'[{"a":'.repeat(101)}1${'}]'.repeat(101)}`,
    `{"a":"]]","b":${'['.repeat(101)}${']'.repeat(101)}}`,
  ];
  it(corpus('nestings', DEEP), () => {
    for (const text of DEEP) expect(() => jsonIn(text)).toThrow('nested too deeply');
  });

  it('is one only where brackets are no text', () =>
    expect(jsonIn(`{"a":"${'['.repeat(1000)}\\"${'{'.repeat(1000)}"}`)).toBeTruthy());

  it.each(['[1', '{"secret": hunter2}', ''])('is refused without a quotation: %s', (text) =>
    expect(() => jsonIn(text)).toThrow(/^not JSON$/),
  );
});

describe('XML that never closes what it opens', () => {
  // Each step at a token that fails begins where the last one ended: the whole is read a constant number of times.
  it.each(['<!-- >', '<![CDATA[ >', '<? ', '<a "', "<a '", '<', '<a', 'a', '<a/', '<a b="" '])(
    '%s is refused, however long',
    (piece) => expect(() => parseXml(`<x>${piece.repeat(300_000)}`)).toThrow(SyntaxError),
  );
});

const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  'URL-encoded': encodeURIComponent,
  'URL-encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'in lower case': (secret) => encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64 of user and password': (secret) => Buffer.from(`u:${secret}`).toString('base64'),
  'in base64 of a header': (secret) => Buffer.from(`X-Key: ${secret}\r\n`).toString('base64'),
  'in base64 of a URL': (secret) => Buffer.from(secret).toString('base64url'),
  'JSON-escaped': (secret) => JSON.stringify(secret),
  'JSON-escaped twice': (secret) => JSON.stringify(JSON.stringify(secret)),
  'HTML-escaped': (secret) => secret.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`),
};
const echoes = Object.entries(FORMS).flatMap(([form, write]) =>
  [KEY, SECRET, TOKEN].map((secret) => [form, secret, write(secret)] as const),
);
/** What nobody may see of a secret. */
const halvesOf = (shown: string) => [shown.slice(4, 16), shown.slice(-18, -6)];

describe('A secret that was sent and comes back', () => {
  it(`is masked however it is written (${corpus('echoes', echoes)}), as often as it stands there`, () => {
    for (const secret of [KEY, SECRET, TOKEN]) keepSecret(secret);
    for (const [form, , shown] of echoes) {
      const text = masked(`a ${shown} b ${shown}, c`);
      for (const half of halvesOf(shown)) expect(text, form).not.toContain(half);
      expect(text.match(/\*\*\*/g)?.length, form).toBeGreaterThanOrEqual(2);
    }
  });

  it('line by line, where it has several', () => {
    keepSecret('-----BEGIN KEY-----\n  MIIEvQIBADANBgkqhkiG\nshort\n');
    expect(masked('it says MIIEvQIBADANBgkqhkiG, and short')).toBe('it says ***, and short');
  });

  it.each(Object.keys(ASKED))('%s: is in no error', async (who) => {
    for (const [form, , shown] of echoes) {
      const words = `You sent ${shown}, I say: ${'x'.repeat(150)} ${shown} ${shown}`;
      const xml = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      const json =
        who.startsWith('Mackerel') || ['SSM', 'Step', 'Event'].some((name) => who.startsWith(name));
      const chunk = json
        ? JSON.stringify({ __type: 'AccessDenied', message: words, error: { message: words } })
        : `<Response><Errors><Error><Code>AccessDenied</Code><Message>${xml}</Message></Error></Errors><Error><Code>AccessDenied</Code><Message>${xml}</Message></Error></Response>`;
      answer = { status: 403, chunk, times: 1, type: json ? 'application/json' : 'text/xml' };
      const failure = await failureOf(ASKED[who] as () => Promise<unknown>);
      for (const half of halvesOf(shown)) expect(failure?.message, `${who} ${form}`).not.toContain(half);
      expect(failure?.cause).toBeUndefined();
    }
  });
});

describe('A credential that nobody knows, in a request that is quoted', () => {
  const QUOTED = [
    ['https://b/k?X-Amz-Signature=9f3c1b2a4d5e6f70&X-Amz-Expires=60', '9f3c1b2a'],
    ['https://b/k?X-Amz-Security-Token=FwoGZXIvYXdzEJr%2F', 'FwoGZXIv'],
    ['url=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3D9f3c1b2a4d5e6f70', '9f3c1b2a'],
    [
      'Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/2026/x, SignedHeaders=host, Signature=9f3c1b2a4d',
      '9f3c1b2a',
    ],
    ['{"authorization":"Bearer eyJhbGciOiJIUzI1NiJ9.e30"}', 'eyJhbGci'],
    ['x-api-key: 7QmZlkq0eXampl3', '7QmZlkq0'],
    ['<SecretAccessKey>7QmZlkq0eXampl3</SecretAccessKey>', '7QmZlkq0'],
    ['"SessionToken": "7QmZlkq0eXampl3"', '7QmZlkq0'],
  ] as const;
  it(corpus('quotations', QUOTED), () => {
    for (const [text, secret] of QUOTED) expect(masked(text)).not.toContain(secret);
  });

  it('leaves sentences alone', () => {
    const words =
      'Signature expired: 20261122T030000Z is now earlier than 20261122T031000Z. The security token is expired.';
    expect(masked(words)).toBe(words);
  });
});
