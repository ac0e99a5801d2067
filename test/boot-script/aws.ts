/**
 * IMDSv2 and S3 on a free local port, told apart by the `Host` header. As strict as the real ones: no metadata without
 * a token; no object without a SigV4 signature that `aws4fetch` computes alike, over every `x-amz-` header.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsV4Signer } from 'aws4fetch';
import { record } from '../support/recorder.ts';

export const REGION = 'ap-northeast-1';
const IMDS_HOST = '169.254.169.254';
const IMDS_TOKEN = 'AQAEAimdsTokenOfTheTest==';
const ROLE = 'reactio-production-app-host';
const CREDENTIALS_PATH = `iam/security-credentials/${ROLE}`;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** As long and with the characters that the real ones have. */
const CREDENTIALS = {
  AccessKeyId: 'ASIAQEXAMPLEEXAMPLE1',
  SecretAccessKey: 'wJalr/UtnF+EMI/K7MDENG/bPxRfi+YEXAMPLEKE',
  Token: `IQoJb3JpZ2luX2Vj${'EJr+/'.repeat(120)}==`,
};
export const SECRETS = [CREDENTIALS.SecretAccessKey, CREDENTIALS.Token, IMDS_TOKEN];

interface Answer {
  readonly status: number;
  readonly body: string | Buffer;
  /** Fewer bytes than announced, then the connection breaks. */
  readonly cutAfter?: number;
}

export class LocalAws {
  /** `bucket/key?version` → bytes. */
  readonly objects = new Map<string, Buffer>();
  /** Every S3 request that was let in or refused, as `GET bucket/key?version → 200`. */
  readonly s3Log: string[] = [];
  /** Answers that S3 gives instead of its own, one per request. */
  readonly s3Hiccups: Answer[] = [];
  /** Metadata paths that do not exist (yet): path → how many requests still find nothing. */
  readonly metadataMissing = new Map<string, number>();
  /** Lets requests in that are not signed at all, for tests of what comes after the download. */
  isOpen = false;
  instanceId = 'i-0123456789abcdef0';
  /** The role's secret keys from now on: each is given out once, the last one for ever. */
  secretAccessKeys: readonly string[] = [CREDENTIALS.SecretAccessKey];
  /** Does the role get new credentials, all three values, whenever it asks? */
  isRotating = false;
  /** What was given out last, and what S3 wants a request to be signed with. */
  #given = CREDENTIALS;
  #times = 0;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = request.headers.host === IMDS_HOST ? this.#metadata(request) : await this.#object(request);
    response.writeHead(answer.status, { 'content-length': Buffer.byteLength(answer.body) });
    if (answer.cutAfter === undefined) return void response.end(answer.body);
    response.write(answer.body.slice(0, answer.cutAfter), () => response.destroy());
  }

  #metadata({ method, url = '', headers }: IncomingMessage): Answer {
    if (url === '/latest/api/token') {
      const ttl = Number(headers['x-aws-ec2-metadata-token-ttl-seconds']);
      const accepted = method === 'PUT' && ttl >= 1 && ttl <= 21_600;
      return accepted ? { status: 200, body: IMDS_TOKEN } : { status: 400, body: '' };
    }
    if (headers['x-aws-ec2-metadata-token'] !== IMDS_TOKEN) return { status: 401, body: '' };
    const path = url.replace('/latest/meta-data/', '');
    const missing = this.metadataMissing.get(path) ?? 0;
    if (missing > 0) {
      this.metadataMissing.set(path, missing - 1);
      return { status: 404, body: '' };
    }
    if (path === CREDENTIALS_PATH) this.#rotate();
    const body = {
      'instance-id': this.instanceId,
      'placement/region': REGION,
      'services/domain': 'amazonaws.com',
      'iam/security-credentials/': ROLE,
      [CREDENTIALS_PATH]: JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', ...this.#given }, null, 2),
    }[path];
    return body === undefined ? { status: 404, body: '' } : { status: 200, body };
  }

  #rotate(): void {
    const [next = this.#given.SecretAccessKey, ...later] = this.secretAccessKeys;
    this.#given = { ...this.#given, SecretAccessKey: next };
    this.secretAccessKeys = later;
    this.#times += 1;
    if (!this.isRotating) return;
    const { AccessKeyId, SecretAccessKey, Token } = CREDENTIALS;
    const turned = (text: string) => `${text.slice(0, -3)}${100 + this.#times}`;
    this.#given = {
      AccessKeyId: turned(AccessKeyId),
      SecretAccessKey: turned(SecretAccessKey),
      Token: turned(Token),
    };
  }

  async #object(request: IncomingMessage): Promise<Answer> {
    const url = new URL(`https://${request.headers.host}${request.url}`);
    const { method, headers } = request;
    record('requests', { method, url: request.url, headers, body: '', secret: this.#given.SecretAccessKey });
    const name = objectName(url);
    const answer =
      this.s3Hiccups.shift() ??
      (this.isOpen ? undefined : await this.#refusal(request, url)) ??
      this.#find(name);
    this.s3Log.push(`${request.method} ${name} → ${answer.status}`);
    return answer;
  }

  #find(name: string): Answer {
    const body = this.objects.get(name);
    return body === undefined ? s3Error(404, 'NoSuchVersion') : { status: 200, body };
  }

  /** What S3 checks before it looks for the object. */
  async #refusal({ method = '', headers }: IncomingMessage, url: URL): Promise<Answer | undefined> {
    const amz = Object.keys(headers).filter((header) => header.startsWith('x-amz-'));
    const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? [];
    const datetime = String(headers['x-amz-date']);
    const payload = headers['x-amz-content-sha256'];

    if (!['host', ...amz].every((header) => signed.includes(header))) return s3Error(403, 'HeadersNotSigned');
    if (payload !== EMPTY_SHA256) return s3Error(400, 'XAmzContentSHA256Mismatch');
    if (headers['x-amz-security-token'] !== this.#given.Token) return s3Error(403, 'InvalidToken');
    if (Math.abs(Date.now() - parseAmzDate(datetime)) > 900_000) return s3Error(403, 'RequestTimeTooSkewed');

    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { 'x-amz-content-sha256': payload },
      accessKeyId: this.#given.AccessKeyId,
      secretAccessKey: this.#given.SecretAccessKey,
      sessionToken: this.#given.Token,
      service: 's3',
      region: REGION,
      datetime,
    });
    const expected = (await signer.sign()).headers.get('authorization');
    return headers.authorization === expected ? undefined : s3Error(403, 'SignatureDoesNotMatch');
  }
}

export const s3Error = (status: number, code: string): Answer => ({
  status,
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>…</Message></Error>`,
});

/** `bucket/key?version` of a virtual-hosted or a path-style address; S3 knows no other. */
function objectName(url: URL): string {
  const [, bucket] = new RegExp(`^(?:(.+)\\.)?s3\\.${REGION}\\.amazonaws\\.com$`).exec(url.host) ?? [
    url.host,
  ];
  const path = bucket === undefined ? url.pathname.slice(1) : `${bucket}${url.pathname}`;
  return `${decodeURIComponent(path)}?${url.searchParams.get('versionId')}`;
}

function parseAmzDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
