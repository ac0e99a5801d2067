/** AWS CodeDeploy, blue/green on EC2: a copy of the group, install, reroute, end the original. */
import type { Arena } from '../arena.ts';
import { Group } from '../group.ts';
import type { Peer } from '../peer.ts';

/** ApplicationStop, DownloadBundle, BeforeInstall, Install, AfterInstall, ApplicationStart, ValidateService, BeforeAllowTraffic. */
const EVENTS_BEFORE_TRAFFIC = 8;
/** The agent pauses between two polls, and is given one event in each. */
const POLL_SECONDS = 1;

/** A lifecycle event that does not finish. */
const EVENT_SECONDS = 3_600;

async function run(arena: Arena, group = new Group(arena)): Promise<void> {
  const { ports, balancer, stage } = arena;
  const green = await arena.launch(arena.aws, arena.size);
  // AppSpec's scripts do what the boot script does; they end when the application was started.
  const installed = Math.max(...green.map((id) => installedAt(arena, id)));
  await arena.wait(Math.max(0, installed - arena.now()) / 1_000);
  await arena.wait(EVENTS_BEFORE_TRAFFIC * POLL_SECONDS);
  await ports.loadBalancers.register(balancer, green);
  if (!(await arena.waitUntil(() => arena.areInService(green), { atMost: EVENT_SECONDS }))) return;
  group.adopt(green);
  await ports.loadBalancers.deregister(balancer, stage.oldInstances);
  const drained = Math.max(...stage.oldInstances.map((id) => arena.drainedAt(id)));
  await arena.wait(Math.max(0, drained - arena.now()) / 1_000);
  await group.terminate(stage.oldInstances);
}

/** An application that never answers was started all the same. */
const installedAt = (arena: Arena, id: string): number => {
  const { bootedAt, applicationUpAt } = arena.instance(id).life;
  return Number.isFinite(applicationUpAt) ? applicationUpAt : bootedAt + arena.installSeconds() * 1_000;
};

export const codeDeploy: Peer = {
  name: 'CodeDeploy blue/green',
  facts: [
    {
      what: 'New instances are provisioned, the revision is installed on all, then they are registered; when they are in service, the original ones are deregistered and drained, then terminated.',
      known: 'published',
      source: 'CodeDeploy user guide, blue/green; DeploymentReadyOption CONTINUE_DEPLOYMENT',
    },
    {
      what: 'CodeDeployDefault.AllAtOnce, and the original instances are terminated without waiting.',
      known: 'assumed',
      source: 'defaults: OneAtATime, an hour',
    },
    {
      what: 'A lifecycle event fails after an hour. A failed or stopped deployment leaves its instances; no automatic rollback.',
      known: 'published',
      source: 'CodeDeploy user guide, limits, stopped and failed deployments; rollback is off by default',
    },
    {
      what: 'Eight lifecycle events come before the traffic; the agent asks for one a second.',
      known: 'published',
      source: 'AppSpec reference, hooks; aws/aws-codedeploy-agent, conf/codedeployagent.yml',
    },
    {
      what: 'Copying the group and the service itself cost nothing, traffic is seen to be allowed and blocked within a second.',
      known: 'assumed',
      source:
        'a user measured 7 minutes for one instance (devops.stackexchange 4675); AWS’s own formula for allowing and blocking is (threshold + 1) × interval each',
    },
  ],
  heals: true,
  run,
};
