/**
 * S3 behind its own host names: versitygw (Go), which checks signatures, sessions and what the session's role may by
 * itself, with versions of its own.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { PinnedArtifact } from '../../lambdas/domain/core/artifact.ts';
import { program, run } from '../tools.ts';
import type { Deployed } from './launched.ts';
import type { Credentials } from './metadata.ts';

/** Whose the bucket is: the upload is not what is judged. */
const OWNER = { accessKeyId: 'AKIAQEXAMPLEEXAMPLE1', secretAccessKey: 'owner/of+the/bucket+EXAMPLE' };
const ROLE = 'host';

/** Its own authority: what its clients have to trust. */
export interface Certified {
  readonly key: string;
  readonly certificate: string;
}

export const namesOf = ({ fleet, region }: Deployed): readonly [string, string] => [
  `s3.${region}.amazonaws.com`,
  `${fleet.artifact.bucket}.s3.${region}.amazonaws.com`,
];

export function certify(folder: string, names: readonly string[]): Certified {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=S3', '-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`],
    ...['-keyout', key, '-out', certificate],
  ]);
  return { key, certificate };
}

export interface Behind {
  readonly folder: string;
  readonly certified: Certified;
  readonly deployed: Deployed;
  /** Of a session of the hosts' role. */
  readonly credentials: Credentials;
}

export class Store {
  readonly #log: string;
  readonly #bucket: string;
  readonly #client: S3Client;

  private constructor({ folder, deployed: { fleet, region } }: Behind) {
    this.#log = join(folder, 's3.log');
    this.#bucket = fleet.artifact.bucket;
    this.#client = new S3Client({ region, credentials: OWNER, maxAttempts: 10 });
  }

  static async open(behind: Behind): Promise<Store> {
    const { folder, certified, deployed } = behind;
    const store = new Store(behind);
    const at = (name: string) => join(folder, name);
    for (const name of ['objects', 'versions', 'sidecar', 'iam']) mkdirSync(at(name));
    writeFileSync(at('iam/iam.json'), JSON.stringify(identities(behind)));
    const env = {
      ...process.env,
      ROOT_ACCESS_KEY: OWNER.accessKeyId,
      ROOT_SECRET_KEY: OWNER.secretAccessKey,
    };
    const start = (...args: string[]) =>
      spawn(program('versitygw'), ['--quiet', '--region', deployed.region, ...args], {
        env,
        stdio: 'ignore',
      });
    const socket = at('iam.socket');
    start('--port', '127.0.0.1:7075', 'iam', '--dir', at('iam'), '--private-ports', socket);
    while (!existsSync(socket)) await sleep(50);
    start(
      ...['--virtual-domain', namesOf(deployed)[0], '--access-log', store.#log],
      ...['--port', '127.0.0.1:443', '--cert', certified.certificate, '--key', certified.key],
      ...['--iam-standalone-endpoint', socket],
      ...['posix', '--versioning-dir', at('versions'), '--sidecar', at('sidecar'), at('objects')],
    );
    await store.#client.send(new CreateBucketCommand({ Bucket: store.#bucket }));
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await store.#client.send(
      new PutBucketVersioningCommand({ Bucket: store.#bucket, VersioningConfiguration }),
    );
    return store;
  }

  async put(key: string, bytes: Buffer): Promise<PinnedArtifact> {
    const object = { Bucket: this.#bucket, Key: key, Body: bytes };
    const { VersionId = '' } = await this.#client.send(new PutObjectCommand(object));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { key, versionId: VersionId, sha256, sizeBytes: bytes.length };
  }

  /** Every request, in S3's own form of an access log. */
  log = (): string => readFileSync(this.#log, 'utf8');
}

/** A role with the template's policies, and a session of it: what EC2 would have made. */
function identities({ deployed: { account, policies }, credentials }: Behind) {
  const [now, later] = [0, 3_600_000].map((millis) => new Date(Date.now() + millis).toISOString());
  const Arn = `arn:aws:iam::${account}:role/${ROLE}`;
  const trust = { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const inline = policies.map((policy, index) => ({
    ...{ PolicyName: `policy-${index}`, PolicyDocument: JSON.stringify(policy) },
    ...{ CreateDate: now, UpdateDate: now },
  }));
  const role = {
    ...{ Path: '/', RoleName: ROLE, RoleID: 'AROAQEXAMPLEEXAMPLE1', Arn, CreateDate: now },
    AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    Policies: { inline },
  };
  const session = {
    accessKeyId: credentials.AccessKeyId,
    secretAccessKey: credentials.SecretAccessKey,
    sessionToken: credentials.Token,
    ...{ roleArn: Arn, roleName: ROLE, roleId: role.RoleID, roleSessionName: 'host' },
    ...{ provider: '', audience: '', subject: '', createDate: now, expiration: later },
  };
  return { roles: { [ROLE]: role }, sessions: { [credentials.AccessKeyId]: session } };
}
