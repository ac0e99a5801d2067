/** A local stand-in for an AWS endpoint: it notes every request and answers with what the test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { record } from '../support/recorder.ts';

export interface AwsRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The body of a query-protocol request (EC2, ELB), parsed. */
  readonly form: Readonly<Record<string, string>>;
}

export interface AwsReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Instead of an answer: silence, a closed connection, or half of the body. */
  readonly instead?: 'silence' | 'hang-up' | 'half';
}

export interface AwsEndpoint {
  readonly url: string;
  readonly requests: AwsRequest[];
  /** From now on, requests are answered so. */
  answer(reply: (request: AwsRequest) => AwsReply): void;
  stop(): Promise<void>;
}

export async function startAwsEndpoint(): Promise<AwsEndpoint> {
  const requests: AwsRequest[] = [];
  let reply = (_request: AwsRequest): AwsReply => ({ status: 501, body: 'the test gave no answer' });
  const server = createServer(async (incoming, response) => {
    const request = await readRequest(incoming);
    requests.push(request);
    send(response, reply(request));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => {
      reply = next;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function readRequest(incoming: IncomingMessage): Promise<AwsRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  const { method = '', url = '', headers } = incoming;
  record('requests', {
    method,
    url,
    headers,
    body: Buffer.concat(chunks).toString('base64'),
    secret: 'not-a-secret',
  });
  return { method, path: url, headers, body, form: Object.fromEntries(new URLSearchParams(body)) };
}

function send(response: ServerResponse, { status = 200, headers = {}, body = '', instead }: AwsReply): void {
  if (instead === 'silence') return;
  if (instead === 'hang-up') {
    response.destroy();
    return;
  }
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  if (instead !== 'half') {
    response.end(body);
    return;
  }
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}

/**
 * How many milliseconds a client waits for this reply. Only one that never comes is given up soon: a busy machine may
 * take its time for any other, and no test may depend on how long.
 */
export const patienceFor = ({ instead }: AwsReply): number => (instead === 'silence' ? 200 : 15_000);

/** What every SDK client of the tests is made with: one attempt, credentials that are none. */
export const testClientOptions = (endpoint: string, reply: AwsReply = {}) => ({
  endpoint,
  region: 'ap-northeast-1',
  credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'not-a-secret', sessionToken: 'session-token' },
  maxAttempts: 1,
  requestHandler: {
    connectionTimeout: 15_000,
    requestTimeout: patienceFor(reply),
    throwOnRequestTimeout: true,
    socketTimeout: 15_000,
  },
});

/** An EC2 error answer. */
export const ec2Error = (code: string, message = 'because', status = 400): AwsReply => ({
  status,
  body: `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>`,
});

/** An ELB error answer (both kinds). */
export const elbError = (code: string, message = 'because', status = 400): AwsReply => ({
  status,
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`,
});

/** XML: `xml({ a: { b: 'c' }, d: ['e'] })` → `<a><b>c</b></a><d>e</d>`. */
export function xml(value: XmlValue): string {
  if (typeof value === 'string') return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return Object.entries(value)
    .flatMap(([name, content]) =>
      (Array.isArray(content) ? content : [content]).map((each) => [name, each] as const),
    )
    .map(([name, content]) => `<${name}>${xml(content)}</${name}>`)
    .join('');
}

export type XmlValue = string | { readonly [name: string]: XmlValue | readonly XmlValue[] };
