/** `irekae doctor`: finds what would make the next deployment fail, or slow, before it starts. Changes nothing. */

import { utcMinute } from '../../../lambdas/domain/core/words.ts';
import { toRuntimeFleet } from '../../../lib/runtime-fleet.ts';
import type { Command, Task } from '../command.ts';
import { examine } from '../doctor/examine.ts';
import { gatherFacts } from '../doctor/facts.ts';
import { CHECKS, type Finding, LEVELS } from '../doctor/finding.ts';
import { reportLines, summary } from '../doctor/report.ts';
import { done, failed, type Outcome } from '../outcome.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'find what would make the next deployment fail, or slow',
  description: [
    'Checks everything that a deployment needs, and changes nothing: Mackerel’s key, role, hosts and alerts, the image,',
    'a given launch template, the subnets and instance types, the load balancers and what their settings cost, the',
    'bucket and its tarballs, the stack and whether it is what the fleets file and this version would deploy, the lock, leftovers, the',
    'clock. Each finding comes with the command, or the line of the fleets file, that fixes it. What you lack permission',
    'to check is unknown, never fine.',
    'Exit codes: 0 no problem (there may be warnings); 1 a problem, or something unknown; 2 bad usage.',
  ],
  options: [],
  run: examineFleet,
};

async function examineFleet(task: Task): Promise<Outcome> {
  const { environments, environment, fleet: config } = task;
  const { workingTreeOf } = await import('../doctor/working-tree.ts');
  const tree = workingTreeOf(environments, environment, config.name);
  // A launch template of ours is known only to AWS, and no check needs it.
  const made = { bucketName: tree.bucketName, launchTemplateId: '', launchTemplateVersion: '' };
  const fleet = toRuntimeFleet(config, environment, made);
  const facts = await gatherFacts(task, fleet, tree);
  const findings = examine(facts, {
    fleet,
    region: environment.region,
    account: environment.account,
    kmsKeys: config.kmsKeys,
    bucketKey: environment.bucketKmsKeyArn,
    tree,
  });
  const { account, region, name } = environment;
  task.show([
    `${fleet.name} in ${name} (${account}, ${region}), seen ${utcMinute(facts.now)} UTC`,
    ...reportLines(findings),
    '',
  ]);
  const worst = findings[0]?.level ?? 'ok';
  const end = worst === 'problem' || worst === 'unknown' ? failed : done;
  return end(LEVELS[worst].worst, [summary(findings)], { findings: findings.map(jsonOf) });
}

const jsonOf = ({ check, level, ...rest }: Finding): object => ({
  level,
  area: CHECKS[check],
  check,
  ...rest,
});
