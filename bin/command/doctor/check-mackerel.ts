/** Does Mackerel know the fleet, and let us ask? */

import { list, plain } from '../../../lambdas/domain/core/words.ts';
import type { MackerelAlert, MackerelHost } from '../../../lambdas/ports/mackerel.ts';
import { given, notLookedAt } from './answer.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { aws, happened, inFleetsFile } from './mending.ts';
import type { Check, Subject } from './subject.ts';

export const checkMackerel: Check = (facts, subject) => [
  ...key(facts, subject),
  ...role(facts, subject),
  ...alerts(facts),
];

/** Whether the key may write is not found out by reading. */
function key({ apiKey, roles }: Facts, { fleet: { mackerel }, region }: Subject): readonly Finding[] {
  const name = mackerel.apiKeyParameter;
  const put = ['ssm', 'put-parameter', '--overwrite', '--type', 'SecureString', '--name', name];
  const mend = ['read -rs KEY', `${aws(region, ...put)} --value "$KEY"`];
  const about = 'the Mackerel API key';
  return given('mackerel-key', about, [apiKey], (isThere) => {
    if (!isThere)
      return [
        problem('mackerel-key', `SSM has no API key of Mackerel under ${name}`, {
          mend,
          failure: 'MackerelKeyUnreadable',
        }),
      ];
    if (roles.known) return [ok('mackerel-key', 'Mackerel accepts the API key')];
    const { name: failure, message } = roles.error;
    if (failure !== 'MackerelRefused') return [notLookedAt('mackerel-key', about, roles)];
    const sentence = `Mackerel does not accept the API key of ${name}: ${happened(message)}`;
    return [problem('mackerel-key', sentence, { mend, failure })];
  });
}

function role({ roles }: Facts, { fleet }: Subject): readonly Finding[] {
  const { service, role: wanted } = fleet.mackerel;
  return given('mackerel-role', `the role ${service}:${wanted}`, [roles], (found) => {
    if (found?.includes(wanted)) return [ok('mackerel-role', `the role ${service}:${wanted} exists`)];
    const field = found ? 'role' : 'service';
    const has = found ? ` (it has ${list(found)})` : '';
    return [
      problem(
        'mackerel-role',
        `Mackerel has no ${found ? `role ${wanted} in the service ${service}${has}` : `service ${service}`}`,
        {
          mend: [`Create it in Mackerel, or: ${inFleetsFile(fleet.name, `correct mackerel.${field}`)}`],
          failure: 'MackerelRoleUnknown',
        },
      ),
    ];
  });
}

function alerts({ alerts: answer, hosts }: Facts): readonly Finding[] {
  return given('open-alerts', 'open alerts on the fleet’s hosts', [answer, hosts], (open, fleet) => {
    const ours = open.filter(({ hostId }) => fleet.some(({ id }) => id === hostId));
    return ours.length === 0
      ? [ok('open-alerts', 'no alert is open on a host of the fleet')]
      : ours.map((alert) =>
          warning('open-alerts', alertSentence(alert, fleet), {
            mend: [
              'Look at it in Mackerel first: a deployment replaces the host and may only move the cause.',
            ],
          }),
        );
  });
}

function alertSentence({ hostId, status, message }: MackerelAlert, fleet: readonly MackerelHost[]): string {
  const host = fleet.find(({ id }) => id === hostId);
  return `${status} is open on ${host?.instanceId ?? plain(host?.name ?? '')}: ${plain(message)}`;
}
