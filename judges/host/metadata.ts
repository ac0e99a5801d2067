/**
 * The instance's metadata at its own address: amazon-ec2-metadata-mock (Go), AWS's own, which wants a token for
 * everything. It knows `/latest` alone; before it stands what answers to the dated versions that cloud-init asks for:
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, request as send } from 'node:http';
import { join } from 'node:path';
import { program } from '../tools.ts';

const ADDRESS = '169.254.169.254';
const PORT = 1338;
const ROLE = 'reactio-host';

export interface Credentials {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly Token: string;
}

export interface Machine {
  readonly region: string;
  readonly instanceId: string;
  readonly instanceType: string;
  readonly imageId: string;
  readonly userData: string;
  readonly credentials: Credentials;
}

export function serveMetadata(machine: Machine, folder: string): void {
  const file = join(folder, 'metadata.json');
  writeFileSync(file, JSON.stringify(configuration(machine)));
  const env = { ...process.env, HOME: folder };
  spawn(program('ec2-metadata-mock'), ['--config-file', file], { env, stdio: 'ignore' });
  createServer((asked, answer) => {
    const path = (asked.url ?? '').replace(/^\/\d{4}-\d\d-\d\d\//, '/latest/');
    const { method, headers } = asked;
    const passed = send({ host: '127.0.0.1', port: PORT, path, method, headers }, (found) => {
      answer.writeHead(found.statusCode ?? 500, found.headers);
      found.pipe(answer);
    });
    passed.on('error', () => answer.writeHead(503).end());
    asked.pipe(passed);
  }).listen(80, ADDRESS);
}

function configuration({ region, instanceId, instanceType, imageId, userData, credentials }: Machine) {
  return {
    imdsv2: true,
    server: { hostname: '127.0.0.1', port: String(PORT) },
    metadata: {
      paths: { 'iam-security-credentials': `/latest/meta-data/iam/security-credentials/${ROLE}` },
      values: {
        'ami-id': imageId,
        'instance-id': instanceId,
        'instance-type': instanceType,
        'placement-region': region,
        'placement-availability-zone': `${region}a`,
        'iam-security-credentials-role': ROLE,
        'iam-security-credentials': {
          Code: 'Success',
          LastUpdated: new Date().toISOString(),
          Type: 'AWS-HMAC',
          ...credentials,
          Expiration: new Date(Date.now() + 3_600_000).toISOString(),
        },
      },
    },
    userdata: { values: { userdata: Buffer.from(userData).toString('base64') } },
  };
}
