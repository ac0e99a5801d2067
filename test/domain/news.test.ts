/** How a deployment ended, as it is told to machines and to people. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../lambdas/domain/core/document.ts';
import { FAILURES } from '../../lambdas/domain/core/failures.ts';
import { endingOf } from '../../lambdas/domain/record/ending.ts';
import { hostMetadataOf, serviceMetricsOf } from '../../lambdas/domain/record/mackerel-news.ts';
import {
  DeploymentEnded,
  isNews,
  metricsOf,
  newsOf,
  RESULTS,
  type Result,
  resultOf,
} from '../../lambdas/domain/record/news.ts';
import { messageOf } from '../../lambdas/domain/record/news-message.ts';
import { recordOf } from '../../lambdas/domain/record/record.ts';
import { AnnouncerModel } from '../../simulator/world/announcer.ts';
import {
  aDeployment,
  agreed,
  aLook,
  at,
  baked,
  endOf,
  failedBy,
  iso,
  LOCK,
  shifted,
} from '../support/deployments.ts';
import { aFleet } from '../support/fleets.ts';

const UNDONE = { putBack: aLook({ ready: true, reason: 'the old hosts are serving', at: iso(130) }) };
const ENDINGS: Readonly<Record<Result, Deployment>> = {
  deployed: baked({
    readiness: aLook({ ready: true, at: iso(90) }),
    shift: { done: true, reason: 'taken out', at: iso(91) },
    drain: aLook({ ready: true, at: iso(100) }),
    bake: aLook({ ready: true, at: iso(160) }),
    termination: aLook({ ready: true, at: iso(190) }),
    retirement: { reason: '2 hosts retired', at: iso(191) },
  }),
  'rolled-back': shifted({ failure: failedBy('AlertDuringBake', 'An alert is open.'), ...UNDONE }),
  cancelled: shifted({ failure: failedBy('Cancelled', 'Hanako cancelled it.'), ...UNDONE }),
  refused: agreed({ failure: failedBy('FleetWouldShrink', '3 hosts serve, 2 would be launched.') }),
  'stopped-halfway': baked({ failure: failedBy('OldHostsNotTerminated', 'Mackerel said no.') }),
  'rollback-failed': shifted({
    failure: failedBy('NewHostDied', 'One died.'),
    putBack: aLook(),
    undoFailure: failedBy('OldHostsNotServing', 'It does not serve.'),
  }),
};

function news(of: Result | Deployment, changes: Partial<Deployment> = {}) {
  const deployment = { ...(typeof of === 'string' ? ENDINGS[of] : of), ...changes };
  const ending = deployment.failure ? endingOf(deployment, endOf(deployment)) : undefined;
  return newsOf(deployment, recordOf(deployment, at(200), ending));
}

describe('The news for machines', () => {
  it('of a deployment say what, where, who, when, how it ended, and where more is', () => {
    expect(news('deployed', { input: { startedBy: 'CI', reason: 'release 7' } })).toEqual({
      version: '1',
      deployment: 'deploy-2',
      fleet: 'shop',
      environment: 'production',
      result: 'deployed',
      outcome: 'Deployed',
      needsHuman: false,
      headline: 'Deployed: shop, in 3 min 20 s',
      reason: 'shop/app.tar.gz version v2; 2 old hosts of Shop:web, 2 in service',
      startedBy: 'CI',
      why: 'release 7',
      artifact: { key: 'shop/app.tar.gz', versionId: 'v2', sha256: 'a'.repeat(64) },
      imageId: 'ami-0abc',
      newHosts: 2,
      oldHosts: 2,
      startedAt: iso(0),
      endedAt: iso(200),
      seconds: 200,
      phases: { agree: 10, 'bring up': 80, shift: 1, drain: 9, bake: 60, terminate: 30, retire: 1 },
      execution: 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop:deploy-2',
      console:
        'https://ap-northeast-1.console.aws.amazon.com/states/home?region=ap-northeast-1#/v2/executions/details/arn%3Aaws%3Astates%3Aap-northeast-1%3A123456789012%3Aexecution%3Airekae-shop%3Adeploy-2',
      record: 's3://artifacts/irekae/shop/deployments/deploy-2.json',
      timeline: 's3://artifacts/irekae/shop/deployments/deploy-2.html',
    });
  });

  it.each(RESULTS)('that it ended as %s are as the schema says', (result) => {
    const told = news(result);
    expect(told.result).toBe(result);
    expect(v.parse(DeploymentEnded, JSON.parse(JSON.stringify(told)))).toEqual(told);
    expect(told.needsHuman).toBe(['stopped-halfway', 'rollback-failed'].includes(result));
    expect('timeline' in told, 'a page').toBe(result !== 'refused');
  });

  it.each<[Result, string, string]>([
    ['rolled-back', 'AlertDuringBake', 'An alert is open.'],
    ['refused', 'FleetWouldShrink', '3 hosts serve, 2 would be launched.'],
    ['rollback-failed', 'NewHostDied', 'One died.'],
  ])('that it ended as %s name the first error', (result, name, sentence) => {
    expect(news(result).failure).toEqual({ name, sentence });
    expect(news(result).reason).toContain(`${name}: ${sentence}`);
  });

  it('of one that the clean-up finished name no error, but the clean-up', () => {
    const holder = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop-clean-up:event-1';
    const told = newsOf(
      { ...ENDINGS.deployed, lock: { ...LOCK, holder } },
      recordOf(ENDINGS.deployed, at(200)),
    );
    expect(told).toMatchObject({ result: 'deployed', cleanedUpBy: holder });
    expect(told).not.toHaveProperty('failure');
  });

  it('of an input that was refused are told, with what is known', () => {
    const told = news(aDeployment({ failure: failedBy('InvalidInput', 'One problem.') }));
    expect(told).toMatchObject({ result: 'refused', outcome: 'InvalidInput', newHosts: 0, oldHosts: 0 });
    expect(told).not.toHaveProperty('artifact');
  });

  it('have a result for every name that an execution can fail under', () => {
    const named = Object.keys(FAILURES).filter((name) => resultOf(name) !== 'refused');
    expect(named.sort()).toEqual(['Cancelled', 'RollbackFailed', 'RolledBack', 'StoppedHalfway']);
  });

  it('stay small at 500 hosts and with the longest texts', () => {
    const many = Array.from({ length: 500 }, (_, n) => `i-${String(n).padStart(17, '0')}`);
    const told = news('rolled-back', {
      input: { startedBy: 's'.repeat(128), reason: 'r'.repeat(256) },
      failure: failedBy('AlertDuringBake', many.join(', ')),
    });
    expect(JSON.stringify(told).length).toBeLessThan(8_000);
    expect(messageOf(told).body.length).toBeLessThan(8_000);
  });
});

describe('What is news', () => {
  const cleanUp = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop-clean-up:event-1';
  it.each<[string, boolean, Deployment]>([
    ['a deployment', true, ENDINGS.deployed],
    ['a refusal', true, ENDINGS.refused],
    ['not the refusal of a dry run: its asker has the answer', false, agreed({ input: { dryRun: true } })],
    [
      'not a clean-up that could not begin: it is tried again every few minutes',
      false,
      aDeployment({ execution: { id: cleanUp, name: 'event-1', startedAt: iso(0) } }),
    ],
  ])('is %s', (_, expected, deployment) => expect(isNews(deployment)).toBe(expected));
});

describe('The news for people', () => {
  it.each<[Result, string]>([
    ['deployed', 'Deployed: shop, in 3 min 20 s'],
    ['rolled-back', 'Rolled back: shop (AlertDuringBake); the old hosts are serving'],
    ['cancelled', 'Cancelled: shop; the old hosts are serving'],
    ['refused', 'Not deployed: shop (FleetWouldShrink); nothing was changed'],
    ['stopped-halfway', 'A human is needed: shop stopped halfway (OldHostsNotTerminated)'],
    ['rollback-failed', 'A human is needed: shop, the undo failed (NewHostDied)'],
  ])('that it ended as %s say so in the subject', (result, subject) =>
    expect(messageOf(news(result)).subject).toBe(subject),
  );

  it('of a good deployment are read at a glance', () => {
    expect(messageOf(news('deployed', { input: { startedBy: 'CI', reason: 'release 7' } })).body).toBe(
      `shop was deployed.
To do: nothing.

What: shop/app.tar.gz, version v2, SHA-256 aaaaaaaaaaaa…
Image: ami-0abc
Where: production, account 123456789012, ap-northeast-1
Hosts: 2 new hosts in, 2 old hosts out
Who, as the start says: CI: release 7
When: 2026-03-01 09:00 to 2026-03-01 09:03 UTC, 3 min 20 s
Phases: agree 10 s, bring up 80 s, shift 1 s, drain 9 s, bake 60 s, terminate 30 s, retire 1 s

Execution: https://ap-northeast-1.console.aws.amazon.com/states/home?region=ap-northeast-1#/v2/executions/details/arn%3Aaws%3Astates%3Aap-northeast-1%3A123456789012%3Aexecution%3Airekae-shop%3Adeploy-2
Record: s3://artifacts/irekae/shop/deployments/deploy-2.json
Page: s3://artifacts/irekae/shop/deployments/deploy-2.html
Deployment: deploy-2
`,
    );
  });

  it.each(RESULTS.filter((result) => result !== 'deployed'))(
    'that it ended as %s say why, and what is to be done',
    (result) => {
      const [first, why, toDo] = messageOf(news(result)).body.split('\n');
      expect(first).toMatch(/^shop (was not deployed|is )/);
      expect(why).toMatch(/^Why: \w+: \S/);
      expect(toDo).toMatch(/^To do: \S/);
    },
  );

  it.each<[Result, string]>([
    ['rolled-back', 'see AlertDuringBake in docs/runbook.md'],
    ['refused', 'see FleetWouldShrink in docs/runbook.md'],
    ['stopped-halfway', 'npx --no -- irekae unlock shop'],
    ['rollback-failed', 'npx --no -- irekae unlock shop'],
  ])('that it ended as %s name the page or the command', (result, what) =>
    expect(messageOf(news(result)).body).toContain(what),
  );

  it('say that the clean-up did it, where the execution died', () => {
    const holder = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop-clean-up:event-1';
    const stopped = {
      ...ENDINGS['rolled-back'],
      failure: failedBy('Stopped', 'It ended in the phase shift.'),
      lock: { ...LOCK, holder },
    };
    const told = newsOf(stopped, recordOf(stopped, at(200), endingOf(stopped, 'undone')));
    expect(messageOf(told).subject).toBe('Rolled back: shop (Stopped); the old hosts are serving');
    expect(messageOf(told).body).toContain(
      '\nIts execution was stopped or ran out of time; the clean-up undid it.\n',
    );
  });

  it('can be filtered by a subscription', () =>
    expect(messageOf(news('rolled-back')).attributes).toEqual({
      fleet: 'shop',
      environment: 'production',
      result: 'rolled-back',
      needsHuman: 'false',
    }));
});

describe('The news for a chat', () => {
  /** What Amazon Q Developer shows: of all that a topic sends, its own schema alone. */
  function shown(told: DeploymentEnded) {
    const topic = new AnnouncerModel();
    topic.tellPeople(messageOf(told));
    return topic.chats;
  }

  it.each(RESULTS)('that it ended as %s are shown, with the first line of the mail', (result) => {
    const told = news(result);
    const [chat, ...others] = shown(told);
    expect(others).toEqual([]);
    expect(chat?.content.title).toMatch(
      new RegExp(`^\\S+ ${messageOf(told).subject.replace(/[()]/g, '\\$&')}$`),
    );
    expect(chat?.content.description).toContain(told.console);
    expect(chat?.content.nextSteps === undefined).toBe(result === 'deployed');
  });

  it('are one thread for each deployment, however often and by whom it is told', () => {
    const holder = 'arn:aws:states:ap-northeast-1:123456789012:execution:irekae-shop-clean-up:event-1';
    const thread = (told: DeploymentEnded) => shown(told)[0]?.metadata?.threadId;
    const first = news('rolled-back');
    expect(thread(first)).toBe('shop/deploy-2');
    expect(thread(news('deployed', { lock: { ...LOCK, holder } }))).toBe(thread(first));
    // CI gives one name to the deployments of several fleets.
    expect(thread({ ...first, fleet: 'worker' })).not.toBe(thread(first));
    expect(thread({ ...first, deployment: 'deploy-3' })).not.toBe(thread(first));
  });

  it('call nobody, hide no link and are no code, whatever others wrote', () => {
    const [chat] = shown(
      news('rolled-back', {
        input: {
          startedBy: '<!channel> <@U1>',
          reason: '[fix](https://evil.example) `x` & <https://evil.example|y>',
        },
        failure: failedBy('NewHostDied', '<!here>'),
      }),
    );
    const { title, description } = chat?.content ?? {};
    expect(description).toContain('&lt;!channel&gt; &lt;@U1&gt;');
    for (const text of [title, description]) expect(text).not.toMatch(/[<>`]|\]\(|&(?!(amp|lt|gt);)/);
  });

  it.each(['x', '替', '🚚', '&', '<'])(
    'are shown with where to look at the end, however much %s there is',
    (one) => {
      const told = news('rolled-back', {
        input: { startedBy: 's'.repeat(128), reason: one.repeat(256) },
        failure: failedBy('AlertDuringBake', one.repeat(4_000)),
      });
      const [chat] = shown({ ...told, toDo: one.repeat(2_000) });
      expect(chat?.content.description).toMatch(/&lt;…|&amp;…|…/);
      if (!'&<'.includes(one)) expect(chat?.content.description).toContain('\nDeployment: deploy-2');
    },
  );
});

describe('Texts that others chose', () => {
  const HOSTILE = 'a\nTo do: run this\u001b[31m\u202e\u2066 入れ替え';
  const told = news('rolled-back', {
    input: { startedBy: HOSTILE, reason: HOSTILE },
    failure: failedBy('NewHostDied', HOSTILE),
  });
  const { subject, body } = messageOf(told);

  it('stand on one line, and move nobody’s cursor', () => {
    expect(body.split('\n').filter((line) => line.startsWith('To do:'))).toHaveLength(1);
    for (const character of ['\u001b', '\u202e', '\u2066']) expect(body).not.toContain(character);
    expect(body).toContain('入れ替え');
    expect(JSON.stringify(told)).not.toMatch(/\\u001b|\u202e/);
  });

  it.each(RESULTS)('fit into a subject that SNS takes, when it ended as %s', (result) => {
    const fleet = aFleet({ name: 'f'.repeat(64) });
    const long = messageOf(news(result, { fleet })).subject;
    for (const each of [subject, long]) expect(each).toMatch(/^[!-~][ -~]{0,98}$/);
  });

  it('that are not ASCII are shown as question marks there', () =>
    expect(messageOf({ ...told, headline: 'Rolled back: 入れ' }).subject).toBe('Rolled back: ??'));
});

describe('The news as metrics', () => {
  it('count the deployment, and tell where its time went', () =>
    expect(metricsOf(news('deployed'))).toEqual({
      Deployments: 1,
      DeploymentSeconds: 200,
      AgreeSeconds: 10,
      BringUpSeconds: 80,
      ShiftSeconds: 1,
      DrainSeconds: 9,
      BakeSeconds: 60,
      TerminateSeconds: 30,
      RetireSeconds: 1,
    }));

  it('only count what launched nothing: the second that a refusal takes says nothing', () =>
    expect(metricsOf(news('refused'))).toEqual({ Deployments: 1 }));

  it('are lines of the role’s graphs in Mackerel, under names that it takes', () => {
    const points = serviceMetricsOf('web_1-a', news('rolled-back', { removal: aLook({ at: iso(150) }) }));
    expect(points).toEqual([
      { name: 'irekae.web_1-a.seconds.agree', value: 10 },
      { name: 'irekae.web_1-a.seconds.bring-up', value: 10 },
      { name: 'irekae.web_1-a.seconds.shift', value: 80 },
      { name: 'irekae.web_1-a.seconds.put-back', value: 30 },
      { name: 'irekae.web_1-a.seconds.remove-new', value: 20 },
      { name: 'irekae.web_1-a.seconds.total', value: 200 },
      { name: 'irekae.web_1-a.failures', value: 1 },
    ]);
    for (const { name } of points) expect(name).toMatch(/^[a-zA-Z0-9._-]+$/);
  });

  it.each<[Result, number]>([
    ['deployed', 0],
    ['cancelled', 0],
    ['rolled-back', 1],
    ['stopped-halfway', 1],
  ])('that ended as %s are no failure or one there', (result, value) =>
    expect(serviceMetricsOf('web', news(result)).at(-1)).toEqual({ name: 'irekae.web.failures', value }),
  );
});

describe('The metadata of a new host in Mackerel', () => {
  it('say which release it runs, and where its record is', () =>
    expect(hostMetadataOf(news('deployed', { input: { reason: 'release 7' } }))).toEqual({
      fleet: 'shop',
      environment: 'production',
      deployment: 'deploy-2',
      artifact: { key: 'shop/app.tar.gz', versionId: 'v2', sha256: 'a'.repeat(64) },
      imageId: 'ami-0abc',
      startedBy: 'StartExecution',
      why: 'release 7',
      deployedAt: iso(200),
      record: 's3://artifacts/irekae/shop/deployments/deploy-2.json',
    }));
});

describe('What was compared', () => {
  const compared = [
    { metric: 'custom.nginx.5xx', old: 6, new: 18, atMost: 12, minute: 29_539_270, worse: 1 },
    { metric: 'loadavg5', new: 0.5, minute: 29_539_270 },
  ];
  const found = news('rolled-back', { bake: { ...aLook(), compared } });

  it('is in the event, as the schema says, and in one line of the mail', () => {
    expect(found.compared).toEqual([
      { metric: 'custom.nginx.5xx', old: 6, new: 18, times: 3, atMost: 12 },
      { metric: 'loadavg5', new: 0.5 },
    ]);
    expect(v.is(DeploymentEnded, found)).toBe(true);
    expect(messageOf(found).body).toContain(
      '\nOld → new, per host: custom.nginx.5xx 6 → 18 (at most 12), loadavg5 – → 0.5\n',
    );
  });

  it('is absent where nothing is compared', () => {
    expect(news('rolled-back')).not.toHaveProperty('compared');
    expect(messageOf(news('rolled-back')).body).not.toContain('per host');
  });
});
