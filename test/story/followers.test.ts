/** Who is deployed after a fleet begins when that one cannot be undone anymore, and not only when its old hosts are gone. */
import { afterEach, describe, expect, it } from 'vitest';
import { exampleEntry, templateOf } from '../../simulator/example-fleet.ts';
import { faultsTemplate } from '../../simulator/faults/kinds.ts';
import { alertOf } from '../../simulator/scenarios.ts';
import { Stage } from '../../simulator/stage.ts';

const template = faultsTemplate();
const others: Stage[] = [];
afterEach(() => {
  for (const each of others.splice(0).reverse()) each.close();
});
let stage: Stage | undefined;
afterEach(() => stage?.close());

async function play(arrange = (_on: Stage): void => {}) {
  const on = new Stage({ template, fleet: 'faults-app', seed: 3 });
  stage = on;
  const starts: string[] = [];
  let [accepted, ended]: number[] = [];
  const now = () => on.clock.now().getTime() / 1_000;
  let started: number | undefined;
  on.world.executions.onStart((machine, name) => {
    starts.push(`${machine.split(':').at(-1)} ${name}`);
    started ??= now();
  });
  on.world.on(({ kind }) => {
    if (kind === 'instances-terminated') accepted ??= now();
  });
  on.onEvent = ({ kind, state, answer }) => {
    if (state === 'Terminate old instances' && kind === 'answered' && Object(answer).ready) ended = now();
  };
  on.upload();
  arrange(on);
  const result = await on.deploy({}, 'd');
  return { result, starts, started, accepted, ended };
}

describe('A follower', () => {
  it('is started once, as soon as EC2 has accepted the first termination', async () => {
    const { result, starts, started = 0, accepted = 0, ended = 0 } = await play();
    expect(result.endedIn).toBe('Deployed');
    expect(starts).toEqual(['irekae-faults-app-follower after-d']);
    expect(started).toBeGreaterThan(accepted);
    expect(started - accepted).toBeLessThan(3);
    expect(ended - started).toBeGreaterThan(8);
  });

  it('is started by a deployment that ends halfway: the fleet goes on with the new hosts', async () => {
    const { result, starts } = await play((on) => {
      const [first = ''] = on.oldInstances;
      on.world.ec2.protect(first);
    });
    expect(result.error).toBe('StoppedHalfway');
    expect(starts).toEqual(['irekae-faults-app-follower after-d']);
  });

  it.each<[string, (on: Stage) => void]>([
    [
      'the new hosts are no longer ready right before the termination',
      (on) =>
        on.whenEntering('Terminate old instances', () => {
          const born = on.world
            .view()
            .instances.find(({ instanceId }) => !on.oldInstances.includes(instanceId));
          on.world.ec2.kill(born?.instanceId ?? '', 'Server.SpotInstanceTermination');
        }),
    ],
    [
      'EC2 refuses every termination',
      (on) => {
        for (const id of on.oldInstances) on.world.ec2.protect(id);
      },
    ],
    [
      'somebody cancels while the removal begins',
      (on) =>
        on.whenEntering('Terminate old instances', () => {
          const holder = on.world.ledger.read(on.fleet.name)?.held?.holder ?? '';
          on.world.ledger.requestCancel(on.fleet.name, holder, 'Hanako');
        }),
    ],
  ])('is not started when it is undone: %s', async (_title, arrange) => {
    const { result, starts } = await play(arrange);
    expect(result.error).toBe(result.error === 'Cancelled' ? 'Cancelled' : 'RolledBack');
    expect(starts).toEqual([]);
  });

  it('that could not be started then is started when the lock is released', async () => {
    const { result, starts } = await play((on) => {
      on.whenEntering('Start the followers', () => {
        on.around = async ({ state }, act) => {
          if (state !== 'Start the followers') return act();
          throw Object.assign(new Error('No.'), { name: 'ServiceRefused' });
        };
      });
    });
    expect(result.endedIn).toBe('Deployed');
    expect(starts).toEqual(['irekae-faults-app-follower after-d']);
  });
});

describe('Somebody who insists on the first fleet, although its monitor alerts,', () => {
  /** Each with a monitor of its own. */
  function setTwo() {
    const entry = (name: string, after?: string) =>
      exampleEntry('shared', name, {
        artifact: 'app.tar.gz',
        loadBalancers: [],
        limits: { bakeSeconds: 20 },
        ...(after !== undefined && { after }),
      });
    const both = templateOf('shared', [entry('app'), entry('jobs', 'app')]);
    const app = new Stage({ template: both, fleet: 'app', seed: 21 });
    const jobs = new Stage({ template: both, fleet: 'jobs', seed: 21, beside: app });
    others.push(app, jobs);
    const alerts = [app, jobs].map((each) => {
      const name = `errors of ${each.fleet.name}`;
      each.configure({ watch: { monitors: [name] } });
      return alertOf(each.world.mackerel.addMonitor({ name, type: 'service', durationMinutes: 1 }));
    });
    app.upload();
    return { app, jobs, alerts };
  }
  const INSISTING = { override: ['alerting', 'freeze'], reason: 'this release mends it' };

  it.each([
    ['has not insisted on the one that follows, whose monitor alerts, too', 2, 'AlreadyAlerting'],
    ['deploys the one that follows, which is quiet', 1, 'Deployed'],
  ])('%s', async (_, alerting, expected) => {
    const { app, jobs, alerts } = setTwo();
    for (const alert of alerts.slice(0, alerting)) alert(app);
    expect((await app.deploy(INSISTING, 'hotfix')).endedIn).toBe('Deployed');
    await jobs.settle();
    const results = await Promise.all(jobs.executions.map(({ result }) => result));
    expect(results.map(({ endedIn, error }) => error ?? endedIn)).toContain(expected);
    expect(results.filter(({ endedIn }) => endedIn === 'Deployed')).toHaveLength(alerting === 1 ? 1 : 0);
  });
});
