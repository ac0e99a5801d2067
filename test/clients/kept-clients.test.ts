/** Connections outlive an invocation: what a sandbox asks AWS with is made once. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { liveArtifacts } from '../../lambdas/clients/artifacts.ts';
import { liveCopies } from '../../lambdas/clients/copies.ts';
import { liveEc2 } from '../../lambdas/clients/ec2.ts';
import { liveLoadBalancers } from '../../lambdas/clients/load-balancers.ts';
import { keptClient } from '../../lambdas/clients/wire/kept-client.ts';
import type { Ec2 } from '../../lambdas/ports/ec2.ts';

vi.stubEnv('AWS_REGION', 'ap-northeast-1');
vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST');
vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
vi.resetModules();
const { lambdaHandler } = await import('../../lambdas/clients/handler.ts');

const closings: (() => void)[] = [];
afterEach(() => {
  for (const close of closings.splice(0)) close();
});
afterAll(() => void vi.unstubAllEnvs());

/** An EC2 that knows no subnets, and how many connections it was asked over. */
async function countingEc2() {
  let connections = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end('<DescribeSubnetsResponse/>'));
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  closings.push(() => {
    server.closeAllConnections();
    server.close();
  });
  vi.stubEnv('AWS_ENDPOINT_URL_EC2', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return () => connections;
}

describe('A client of AWS', () => {
  it.each([
    ['EC2', liveEc2],
    ['load balancers', liveLoadBalancers],
    ['S3', liveArtifacts],
    ['copies', liveCopies],
  ])('is made once in a sandbox: %s', (_, live) => expect(live()).toBe(live()));

  it('is made when it is first asked for, and never again', () => {
    const make = vi.fn(() => undefined);
    const live = keptClient(make);
    expect(make).not.toHaveBeenCalled();
    live();
    live();
    expect(make).toHaveBeenCalledTimes(1);
  });

  it('asks over the connection of the invocation before', async () => {
    const connections = await countingEc2();
    const handler = lambdaHandler<{ ec2: Ec2 }, unknown>(
      { name: 'snapshot-old-hosts', run: (_document, { ec2 }) => ec2.subnets(['subnet-1']) },
      () => ({ ec2: liveEc2() }),
    );
    for (let invocation = 1; invocation <= 3; invocation += 1) expect(await handler({})).toEqual([]);
    expect(connections()).toBe(1);
  });
});
