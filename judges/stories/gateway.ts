/**
 * AWS's and Mackerel's own host names, inside a namespace where all of them lead here: what a function sends is written
 * down and handed on to moto (as its role's account) or to the Mackerel server.
 */

import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import type { Roles } from './roles.ts';

export interface GatewayOptions {
  readonly key: string;
  readonly certificate: string;
  readonly roles: Roles;
  readonly moto: number;
  readonly mackerel: number;
  /** A file of lines of JSON. */
  readonly requests: string;
}

export const MACKEREL = 'api.mackerelio.com';

export async function serveGateway(port: number, options: GatewayOptions): Promise<void> {
  const server = createServer(
    { key: readFileSync(options.key), cert: readFileSync(options.certificate) },
    (request, response) => void passOn(request, response, options),
  );
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

async function passOn(request: IncomingMessage, response: ServerResponse, options: GatewayOptions) {
  const { method = 'GET', url = '/', headers } = request;
  const body = await buffer(request);
  const signer = options.roles.signer(headers.authorization);
  const isMackerel = headers.host === MACKEREL;
  if (!isMackerel && !signer) {
    response.writeHead(403).end(`nobody here has signed ${method} ${headers.host}${url}`);
    return;
  }
  const account = signer?.role.split(':')[4];
  const onward = ask(
    {
      ...{ host: '127.0.0.1', port: isMackerel ? options.mackerel : options.moto, method, path: url },
      headers: { ...headers, ...(account && { 'x-moto-account-id': account }) },
    },
    (answer) => {
      // The time is the run's: an SDK corrects its clock by this header.
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, date: new Date().toUTCString() });
      answer.pipe(response);
    },
  );
  onward.on('error', (error) => response.destroy(error));
  onward.end(body);
  if (signer === undefined) return;
  const { role, credentials } = signer;
  const line = {
    role,
    method,
    url,
    headers,
    body: body.toString('base64'),
    secret: credentials.secretAccessKey,
  };
  appendFileSync(options.requests, `${JSON.stringify(line)}\n`);
}
