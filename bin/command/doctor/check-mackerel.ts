/** Does Mackerel accept our key, and know the fleet? */

import { list, plain } from '../../../lambdas/domain/core/words.ts';
import type { MackerelAlert, MackerelHost } from '../../../lambdas/ports/mackerel.ts';
import { aws } from '../typed.ts';
import { type Check, check, notLookedAt } from './check.ts';
import { happened, inFleetsFile } from './mending.ts';

export const checkMackerel: Check = (facts, subject) => [
  ...key(facts, subject),
  ...role(facts, subject),
  ...alerts(facts, subject),
];

const mackerelKey = check('mackerel-key');

/** Reading does not show whether the key may write. */
const key: Check = ({ apiKey, roles }, { fleet: { mackerel }, region }) => {
  const name = mackerel.apiKeyParameter;
  const put = aws(region)`ssm put-parameter --overwrite --type SecureString --name ${name}`;
  const mend = ['read -rs KEY', `${put} --value "$KEY"`];
  const about = 'the Mackerel API key';
  return mackerelKey.given(about, [apiKey], (isThere) => {
    if (!isThere)
      return mackerelKey.problem(`SSM has no Mackerel API key under ${name}`, mend, 'MackerelKeyUnreadable');
    if (roles.known) return mackerelKey.ok('Mackerel accepts the API key');
    const { name: failure, message } = roles.error;
    if (failure !== 'MackerelRefused') return notLookedAt('mackerel-key', about, roles);
    const sentence = `Mackerel does not accept the API key in ${name}: ${happened(message)}`;
    return mackerelKey.problem(sentence, mend, failure);
  });
};

const mackerelRole = check('mackerel-role');

const role: Check = ({ roles }, { fleet }) => {
  const { service, role: wanted } = fleet.mackerel;
  return mackerelRole.given(`the role ${service}:${wanted}`, [roles], (found) => {
    if (found?.includes(wanted)) return mackerelRole.ok(`the role ${service}:${wanted} exists`);
    const [field, what] = found
      ? ['role', `role ${wanted} in the service ${service} (it has ${list(found)})`]
      : ['service', `service ${service}`];
    return mackerelRole.problem(
      `Mackerel has no ${what}`,
      `Create it in Mackerel, or: ${inFleetsFile(fleet.name, `correct mackerel.${field}`)}`,
      'MackerelRoleUnknown',
    );
  });
};

const openAlerts = check('open-alerts');

const alerts: Check = ({ alerts: answer, hosts }) =>
  openAlerts.given('open alerts on the fleet’s hosts', [answer, hosts], (open, fleet) => {
    const ours = open.filter(({ hostId }) => fleet.some(({ id }) => id === hostId));
    if (ours.length === 0) return openAlerts.ok('no alert is open on a host of the fleet');
    const mend =
      'Look at it in Mackerel first: a deployment replaces the host and may only move the problem.';
    return ours.map((alert) => openAlerts.warning(alertSentence(alert, fleet), mend));
  });

function alertSentence({ hostId, status, message }: MackerelAlert, fleet: readonly MackerelHost[]): string {
  const host = fleet.find(({ id }) => id === hostId);
  return `${status} is open on ${host?.instanceId ?? plain(host?.name ?? '')}: ${plain(message)}`;
}
