/** All names that irekae makes: of what is deployed, of what runs, and of what is written. Nobody else spells one. */
import { createHash } from 'node:crypto';

const named = (...parts: readonly string[]): string => ['irekae', ...parts].join('-');

// ── What is deployed ───────────────────────────────────────────────────────────────────────────────────────────────

/** Of what the fleets of an environment share. */
export const stackName = (environment: string): string => named(environment);
/** Of a fleet: deploying it deploys the environment's first, on which it depends. */
export const fleetStackName = (environment: string, fleet: string): string =>
  named(environment, 'fleet', fleet);
export const dashboardName = (environment: string): string => named(environment);
export const functionName = (environment: string, step: string): string => named(environment, step);
/** Of a role that another account has to know before it is there. At most 64 characters, like a function's. */
export const readerRoleName = functionName;
export const launchTemplateName = (fleet: string): string => named(fleet);
/** Of the roles that the hosts of an environment's fleets have: permissions name them by it, whatever they are called. */
export const hostRolePath = (environment: string): string => `/irekae/${environment}/`;
/** @param of a fleet or an environment */
export const alarmName = (of: string, alarm: string): string => named(of, alarm);

interface BucketOwner {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly existingBucket?: string | undefined;
}

/**
 * The name is made here and not by CloudFormation: CI has to know where to upload to, and a promotion where another
 * environment's artifacts are. S3 allows 63 characters; the longest environment and Region make 55.
 */
export const artifactBucketName = ({ name, account, region, existingBucket }: BucketOwner): string =>
  existingBucket ?? named(name, account, region);

/** A fleet's state machines: no step starts those that promote, and not every fleet has them. */
export type MachineKind = 'deploy' | 'clean-up' | 'override' | 'promote' | 'promote-override';

/** The machine that alone may start this one with an `override`: CI is not given it. */
export const doorTo = (kind: 'deploy' | 'promote') => (kind === 'deploy' ? 'override' : 'promote-override');

/**
 * The functions that a machine invokes ask for its executions and start them: their permissions must name it before it
 * is there, as a reference would be a cycle.
 */
export const machineName = (fleet: string, kind: MachineKind): string =>
  kind === 'deploy' ? named(fleet) : named(fleet, kind);

/** Those that every fleet has, and that may hold its lock. */
export const machineNames = (fleet: string): string[] => [
  machineName(fleet, 'deploy'),
  machineName(fleet, 'clean-up'),
];

/** No fleet's own name ends like this. */
export const isCleanUpMachine = (machine: string): boolean => machine.endsWith('-clean-up');

/** Under this prefix all machines share one statement of the log service's policy, which is short of space. */
export const machineLogName = (machine: string): string => `/aws/vendedlogs/states/${machine}`;
/** One for all doors of a fleet. */
export const doorsLogName = (fleet: string): string => named(fleet, 'overrides');
export const functionLogName = (name: string): string => `/aws/lambda/${name}`;

/** The source of irekae's events on the account's default bus. */
export const EVENT_SOURCE = 'irekae';

/** Variables of the functions, set by the stack: the name of the ledger's table, and the ARN of the topic for news. */
export const LEDGER_TABLE_VARIABLE = 'IREKAE_LEDGER_TABLE';
export const NEWS_TOPIC_VARIABLE = 'IREKAE_NEWS_TOPIC';

// ── What runs ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Keeps names bounded and still tells them apart. */
const digest = (id: string): string => createHash('sha256').update(id).digest('hex').slice(0, 24);

/** Of what waited for its turn: named after the request, which may itself have been a start that waited. */
export const waitedName = (id: string): string => `waited-${digest(id)}`;

/** In place of a name that somebody has taken, at that moment. */
export const insteadOf = (name: string, taken?: Date): string =>
  `instead-${digest(`${name} ${taken?.getTime()}`)}`;

/**
 * Of the clean-up after a dead holder: the same whoever sends for it.
 * @param look of the orphan watch, which sends again: a name that was used is used up, and that clean-up may have failed
 */
export function cleanUpName({ generation }: { readonly generation: number }, look?: Date): string {
  const again = look === undefined ? '' : `-${look.toISOString().slice(0, 16).replace(/\D/g, '')}`;
  return `${AFTER_HOLDER}${generation}${again}`;
}
const AFTER_HOLDER = 'after-holder-';
/** EventBridge's pattern of the names under which the orphan watch sends one, again and again. */
export const SENT_BY_THE_WATCH = `${AFTER_HOLDER}*-*`;

/**
 * How the client tokens of all that an execution launches begin. Only who launches writes a token, and EC2 shows it: a
 * tag proves nothing, because others may tag.
 */
export const launchTokens = (execution: string): string => `${digest(execution)}-`;

const FOLLOWS = 'after-';
/** Step Functions' limit. */
const LONGEST_EXECUTION = 80;

/** The same for the same deployment, so that each follower starts once, however often its lock is released. */
export function followName(id: string): string {
  const name = `${FOLLOWS}${id}`;
  return name.length <= LONGEST_EXECUTION ? name : `${FOLLOWS}${digest(id)}`;
}

/** Does it claim to follow another deployment? */
export const isFollowUp = (id: string): boolean => id.startsWith(FOLLOWS);

/** Of what a person starts at the command line. */
export const byHandName = (...parts: readonly (string | number)[]): string => ['by-hand', ...parts].join('-');

const CHANGES = 'cdk-deploy-';

/** Holds the lock of a fleet whose permissions change: no execution has it. */
export const changeName = (environment: string): string => `${CHANGES}${environment}`;
export const isChangeName = (name: string): boolean => name.startsWith(CHANGES);

// ── What is written ────────────────────────────────────────────────────────────────────────────────────────────────

/** Where irekae keeps its records in the artifact bucket. No artifact key may begin like this. */
export const RECORD_PREFIX = 'irekae/';

/** Records of deployments, and their pages beside them. */
export const deploymentsPrefix = (fleet: string): string => `${RECORD_PREFIX}${fleet}/deployments/`;

/** The record of what a fleet runs now, and of one deployment. */
export const currentReleaseKey = (fleet: string): string => `${RECORD_PREFIX}${fleet}/current.json`;
export const deploymentRecordKey = (fleet: string, deploymentId: string): string =>
  `${deploymentsPrefix(fleet)}${deploymentId}.json`;

/** All that EC2 had of a failed host's console, the end of which is in the record. */
export const consoleKey = (fleet: string, deploymentId: string, instanceId: string): string =>
  `${RECORD_PREFIX}${fleet}/consoles/${deploymentId}/${instanceId}.log`;

/** The page that shows a deployment, beside its record. */
export const timelineKey = (fleet: string, deploymentId: string): string =>
  `${deploymentsPrefix(fleet)}${deploymentId}.html`;

/**
 * The proof that a version of the fleet's artifact was promoted to it: who asks for provenance looks here. Without the
 * version: of a promotion on its way, whose copy has none yet.
 */
export const promotionKey = (fleet: string, sha256: string, versionId?: string): string =>
  `${RECORD_PREFIX}${fleet}/promotions/${sha256}${versionId === undefined ? '' : `/${versionId}`}.json`;

// ── What is typed ──────────────────────────────────────────────────────────────────────────────────────────────────

/** `--no`: outside of a clone npx would fetch, and run, whatever a stranger has published under the name. */
export const COMMAND = 'npx --no -- irekae';

/** With the place to type it: for mails, records and pages, which are read elsewhere. */
export const commandAt = (...words: readonly string[]): string =>
  `in your clone of irekae, ${COMMAND} ${words.join(' ')}`;

/** What opens a gate: the door for overrides, and its input. */
export const overriding = (
  fleet: string,
  gate: string,
  more = '',
  kind: 'deploy' | 'promote' = 'deploy',
): string => `${machineName(fleet, doorTo(kind))} with {${more}"override": ["${gate}"], "reason": "…"}`;
