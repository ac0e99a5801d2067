/** The host names that lead to the gateway, and a certificate for them that the sandboxes trust. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../tools.ts';
import type { Deployment } from './deployment.ts';
import { MACKEREL } from './gateway.ts';

/** Those that a step asks. */
const SERVICES = ['ec2', 'elasticloadbalancing', 's3', 'dynamodb', 'ssm', 'sns', 'states', 'events', 'kms'];

/** @returns files: in place of /etc/hosts, the key, and the certificate, which is its own authority. */
export function namesIn(folder: string, { stacks }: Deployment) {
  const [hosts, key, certificate] = [
    join(folder, 'hosts'),
    join(folder, 'key.pem'),
    join(folder, 'certificate.pem'),
  ];
  const names = [
    MACKEREL,
    ...stacks.flatMap(({ region, resources }) => [
      ...SERVICES.map((service) => `${service}.${region}.amazonaws.com`),
      ...resources
        .filter(({ type }) => type === 'AWS::S3::Bucket')
        .map(({ name }) => `${name}.s3.${region}.amazonaws.com`),
    ]),
  ];
  const all = [...new Set(names)];
  writeFileSync(hosts, ['localhost', ...all].map((name) => `127.0.0.1 ${name}\n`).join(''));
  run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
    ...[
      '-subj',
      '/CN=irekae judges',
      '-addext',
      `subjectAltName=${all.map((name) => `DNS:${name}`).join(',')}`,
    ],
    ...['-keyout', key, '-out', certificate],
  ]);
  return { hosts, key, certificate };
}
