/** Does Mackerel accept our key, and know the fleet? */

import { list, plain } from '../../../lambdas/domain/core/words.ts';
import { figure } from '../../../lambdas/domain/hosts/compare.ts';
import { alreadyAlerting, resolveMonitors } from '../../../lambdas/domain/hosts/monitors.ts';
import type { MackerelAlert, MackerelHost } from '../../../lambdas/ports/mackerel.ts';
import { aws } from '../typed.ts';
import { type Check, check, decided, notLookedAt } from './check.ts';
import { happened, inFleetsFile } from './mending.ts';

export const checkMackerel: Check = (facts, subject) => [
  ...key(facts, subject),
  ...role(facts, subject),
  ...alerts(facts, subject),
  ...monitors(facts, subject),
  ...compared(facts, subject),
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
    return ours.map((alert) =>
      alert.status === 'CRITICAL'
        ? openAlerts.problem(alertSentence(alert, fleet), mend, 'AlreadyAlerting')
        : openAlerts.warning(alertSentence(alert, fleet), mend),
    );
  });

const theMonitors = check('monitors');

/** Those that decide: what *Agree* would say of them. */
const monitors: Check = ({ monitors: answer, alerts: open }, { fleet }) =>
  fleet.watch.monitors.length === 0
    ? []
    : theMonitors.given('the monitors that decide', [answer, open], (found, alerting) =>
        decided(
          () => {
            const watched = resolveMonitors(fleet.watch.monitors, found);
            const { refusals } = alreadyAlerting(fleet, alerting, watched, []);
            const [refusal] = refusals;
            return refusal
              ? theMonitors.problem(
                  `Mackerel has an open alert of a monitor that decides: ${refusal.sentence}`,
                  'Look at it in Mackerel first: over it no release can be judged.',
                  refusal.name,
                )
              : theMonitors.ok(
                  `${list(watched.map(({ name }) => plain(name)))} would decide, and nothing alerts`,
                );
          },
          ({ message }) =>
            theMonitors.problem(
              message,
              inFleetsFile(fleet.name, 'correct watch.monitors'),
              'MonitorUnusable',
            ),
          'MonitorUnusable',
        ),
      );

const comparedMetrics = check('compared-metrics');

/** A metric that nobody posts yet may come with the next release. */
const compared: Check = ({ compared: answer, hosts }, { fleet }) =>
  fleet.compare.length === 0
    ? []
    : comparedMetrics.given('the metrics that are compared', [answer, hosts], (rows, found) => {
        if (found.length === 0)
          return comparedMetrics.ok('no old host to compare with: the first deployment compares nothing');
        return fleet.compare.map(({ metric }) => {
          const row = rows.find((each) => each.metric === metric);
          return row?.atMost === undefined
            ? comparedMetrics.warning(
                `the fleet’s hosts have too few points of ${plain(metric)} in the last ten minutes: it would not be compared`,
                inFleetsFile(fleet.name, 'correct compare; or let an agent’s plugin post it each minute'),
              )
            : comparedMetrics.ok(
                `${plain(metric)} is ${figure(row.old)} per host: new hosts with more than ${figure(row.atMost)} would be undone`,
              );
        });
      });

function alertSentence({ hostId, status, message }: MackerelAlert, fleet: readonly MackerelHost[]): string {
  const host = fleet.find(({ id }) => id === hostId);
  return `${status} is open on ${host?.instanceId ?? plain(host?.name ?? '')}: ${plain(message)}`;
}
