/** All checks on one fleet's facts. */
import type { Check, Subject } from './check.ts';
import { checkArtifacts } from './check-artifacts.ts';
import { checkBalancers } from './check-balancers.ts';
import { checkClock } from './check-clock.ts';
import { checkHooks } from './check-hooks.ts';
import { checkHosts } from './check-hosts.ts';
import { checkImage } from './check-image.ts';
import { checkLaunchTemplate } from './check-launch-template.ts';
import { checkLock } from './check-lock.ts';
import { checkMackerel } from './check-mackerel.ts';
import { checkNetwork } from './check-network.ts';
import { checkStack } from './check-stack.ts';
import { checkVolumeKeys } from './check-volume-keys.ts';
import type { Facts } from './facts.ts';
import { byLevel, type Finding } from './finding.ts';

/** In the order in which an operator would fix what they find. */
const ALL: readonly Check[] = [
  checkClock,
  checkStack,
  checkLock,
  checkMackerel,
  checkHosts,
  checkImage,
  checkLaunchTemplate,
  checkVolumeKeys,
  checkNetwork,
  checkBalancers,
  checkHooks,
  checkArtifacts,
];

/** @returns the most important first. */
export function examine(facts: Facts, subject: Subject): readonly Finding[] {
  const findings = ALL.flatMap((check) => check(facts, subject));
  const told = findings.filter((finding) => !isConsequence(finding, findings));
  return byLevel(told).flatMap(([, found]) => found);
}

/**
 * Could a check not look because of a problem that another check reports? A role that does not exist has no hosts to
 * look at. What AWS did not answer, or denied, is always reported.
 */
function isConsequence({ level, failure, check }: Finding, findings: readonly Finding[]): boolean {
  if (level !== 'unknown' || failure === 'ServiceRefused' || failure === 'ServiceUnavailable') return false;
  return findings.some(
    (other) =>
      other.failure === failure &&
      (other.level === 'problem' || (other.check === 'mackerel-key' && check !== 'mackerel-key')),
  );
}
