/** `irekae init`: sets up a repository with a fleets file, as far as an account tells what should stand in it. */
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fleetsFile } from '../../../examples/reactio/fleets.ts';
import { COMMAND } from '../../../lambdas/domain/core/names.ts';
import { count, list } from '../../../lambdas/domain/core/words.ts';
import type { AccountFacts } from '../../../lambdas/ports/account.ts';
import { FleetConfig, type FleetsFile } from '../../../lib/fleet-config.ts';
import { didYouMean } from '../../../lib/fleet-problems.ts';
import { FLEETS_FILES } from '../../../lib/fleets-file.ts';
import { FleetsFileError, readFleets } from '../../../lib/read-fleets.ts';
import { done, failed } from '../outcome.ts';
import { badUsage, type ProjectCommand, type ProjectOutcome, type ProjectTask } from '../project-command.ts';
import { isTrouble, troubleOutcome } from '../trouble.ts';
import { FILES, fleetsText, type ProjectFiles, projectFiles } from './files.ts';
import { dependencies, exampleText } from './own-package.ts';
import { type FleetInput, type Proposal, type ProposedFleet, proposalOf } from './proposal.ts';
import { answerFor, NAME, QUESTIONS, refusesEnvironment, refusesName, refusesRegion } from './questions.ts';

const EXAMPLE = {
  name: 'example',
  meaning: 'with the example’s fleets: no account is read, nothing is asked',
};
const REGION = {
  name: 'region',
  takes: 'REGION',
  meaning: 'whose account is read; default: that of AWS_REGION or the profile',
};
const ENVIRONMENT = {
  name: 'environment',
  takes: 'NAME',
  meaning: 'what the environment is called; default: as the hosts’ names say',
};
const ONLY = {
  name: 'only',
  takes: 'FLEET',
  meaning:
    'of the fleets that are proposed this one; may be repeated. Default: those of which something runs, or all',
};
const PACKAGE = {
  name: 'package',
  takes: 'SPEC',
  meaning: 'what package.json names as irekae: a version, a tarball, a git URL; default: the one that runs',
};

export const init: ProjectCommand = {
  name: 'init',
  summary: 'sets up a folder: package.json, a fleets file, cdk.json',
  description: [
    `Writes ${list(FILES, FILES.length)} into the current folder. It reads the account of`,
    'your credentials (load balancers and who stands behind them, subnets, security groups, images, launch templates,',
    'and Mackerel’s services and roles with the key in MACKEREL_APIKEY or in SSM), proposes a fleet for each group of',
    'hosts that do one job, and asks what it cannot know. Where nobody can be asked, each question is an option; what is',
    'given for FLEET=… is for that fleet alone. It changes nothing in AWS and never overwrites a file.',
    'Exit codes: 0 written; 1 a file is there already, or the account could not be read; 2 an answer is missing, or wrong.',
  ],
  options: [EXAMPLE, REGION, ENVIRONMENT, ONLY, NAME, ...QUESTIONS.map(({ option }) => option), PACKAGE],
  run: async (task) => {
    const names = [...new Set([...FILES, ...FLEETS_FILES])];
    const there = names.filter((name) => existsSync(join(task.place.folder, name)));
    if (there.length > 0)
      return failed('exists', [
        `${list(there, there.length)} ${there.length === 1 ? 'is' : 'are'} here already, and nothing is overwritten.`,
        'Nothing was written. Begin in an empty folder; for a repository that you have, take from there what it lacks.',
      ]);
    return task.given.has('example') ? written(task, exampleText(), fleetsFile) : fromAccount(task);
  },
};

async function fromAccount(task: ProjectTask): Promise<ProjectOutcome> {
  const region =
    last(task, 'region') ?? (await task.place.ownRegion()) ?? (await asked(task, 'Region', refusesRegion));
  if (region === undefined)
    return badUsage('init', ['--region: missing, but required: an AWS Region such as ap-northeast-1']);
  const wrong = refusesRegion(region);
  if (wrong !== undefined) return badUsage('init', [`--region ${region}: allowed: ${wrong}`]);
  const facts = await task.place.readAccount(region).catch((error: unknown) => error as Error);
  if (facts instanceof Error) return unreadable(facts);
  const proposal = proposalOf(facts);
  task.show(told(facts, proposal));
  return answered(task, facts, proposal);
}

function unreadable(error: Error): ProjectOutcome {
  const outcome = troubleOutcome(error, undefined);
  return isTrouble(error)
    ? {
        ...outcome,
        lines: [...outcome.lines, `Nothing was written. Without an account: ${COMMAND} init --example`],
      }
    : outcome;
}

function told(facts: AccountFacts, { fleets, notes }: Proposal): string[] {
  const { instances, balancers, subnets, securityGroups, images, launchTemplates, mackerel } = facts;
  const own = images.filter(({ owner }) => owner === facts.account);
  const found = [
    count(instances.length, 'running instance'),
    count(balancers.filter(({ kind }) => kind === 'classic').length, 'classic load balancer'),
    count(balancers.filter(({ kind }) => kind !== 'classic').length, 'target group'),
    count(subnets.length, 'subnet'),
    count(securityGroups.length, 'security group'),
    `${count(own.length, 'image')} of its own`,
    count(launchTemplates.length, 'launch template'),
    ...(mackerel ? [`${count(mackerel.services.length, 'service')} in Mackerel`] : []),
  ];
  return [
    `Account ${facts.account}, ${facts.region}: ${list(found, found.length)}.`,
    ...fleets.map(({ fields: { name }, why }) => `  ${name}: ${why}`),
    ...notes,
    '',
  ];
}

async function answered(task: ProjectTask, facts: AccountFacts, proposal: Proposal): Promise<ProjectOutcome> {
  const names = proposal.fleets.map(({ fields }) => fields.name);
  const chosen = await choose(task, proposal.fleets);
  if ('problems' in chosen) return badUsage('init', chosen.problems);
  const environment =
    last(task, 'environment') ??
    (await asked(task, 'The environment’s name', refusesEnvironment, proposal.environment)) ??
    proposal.environment;
  const { fleets, problems } = await complete(task, facts, names, chosen.names);
  const file = fileOf(environment, facts, fleets);
  const wrong = problems.length > 0 ? problems : problemsOf(file);
  if (wrong.length > 0) return badUsage('init', wrong);
  const notes = proposal.notes.filter((note) => !facts.unread.includes(note));
  const text = fleetsText(file, dependencies().irekae.name, { fleets, notes });
  return written(task, text, file, proposal.notes);
}

/** The names of those that were named, or that somebody wants. */
async function choose(
  { given, place: { askLine } }: ProjectTask,
  fleets: readonly ProposedFleet[],
): Promise<{ names: readonly string[] } | { problems: string[] }> {
  const names = fleets.map(({ fields }) => fields.name);
  const only = given.get('only') ?? [];
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    return {
      problems: unknown.map(
        (name) => `--only ${name}: allowed: one of ${names.join(', ')}${didYouMean(name, names)}`,
      ),
    };
  if (only.length > 0) return { names: names.filter((name) => only.includes(name)) };
  // Where something runs, what does not is mostly left over from something.
  const likely = fleets.some(({ isRunning }) => isRunning)
    ? fleets.filter(({ isRunning }) => isRunning)
    : fleets;
  if (!askLine || fleets.length === 1) return { names: likely.map(({ fields }) => fields.name) };
  const wanted: string[] = [];
  for (const fleet of fleets) {
    const isLikely = likely.includes(fleet);
    const { fields, why } = fleet;
    const answer = await askLine(`${fields.name}: ${why}. Make it a fleet? ${isLikely ? '[Y/n]' : '[y/N]'} `);
    if (isLikely ? !/^n/i.test(answer.trim()) : /^y/i.test(answer.trim())) wanted.push(fields.name);
  }
  return wanted.length > 0 ? { names: wanted } : { problems: ['No fleet was chosen.'] };
}

/** The chosen fleets under their own names, with what was given, then what is proposed, then what is asked. */
async function complete(
  task: ProjectTask,
  facts: AccountFacts,
  names: readonly string[],
  chosen: readonly string[],
): Promise<{ fleets: ProposedFleet[]; problems: string[] }> {
  const problems: string[] = [];
  const fleets: ProposedFleet[] = [];
  for (const name of chosen) {
    const own = answerFor(task.given.get(NAME.name) ?? [], name, names);
    const wrong = own === undefined ? undefined : refusesName(own);
    if (wrong !== undefined) problems.push(`--name ${name}=${own}: allowed: ${wrong}`);
    const renamed = own ?? (await asked(task, `${name}: its name`, refusesName, name)) ?? name;
    const fleet = proposalOf(facts, new Map([[name, renamed]])).fleets[names.indexOf(name)];
    if (fleet === undefined) continue;
    const completed = await withAnswers(task, facts, fleet, {
      answerIn: (values) => answerFor(values, name, names),
      which: chosen.length === 1 ? '' : `${name}=`,
    });
    problems.push(...completed.problems);
    fleets.push(completed.fleet);
  }
  return { fleets, problems };
}

/** @param which how an option says that it is for this fleet alone: `web=`; '' where there is no other */
async function withAnswers(
  task: ProjectTask,
  { mackerel }: AccountFacts,
  fleet: ProposedFleet,
  { answerIn, which }: { answerIn: (values: readonly string[]) => string | undefined; which: string },
): Promise<{ fleet: ProposedFleet; problems: string[] }> {
  const problems: string[] = [];
  let { fields } = fleet;
  for (const question of QUESTIONS) {
    const option = `--${question.option.name} ${which}`;
    const given = answerIn(task.given.get(question.option.name) ?? []);
    const known = mackerel ? (question.known?.(mackerel, fields) ?? []) : [];
    const words = `${fields.name}: ${question.words}${known.length > 0 ? ` (Mackerel has ${list(known, 8)})` : ''}`;
    const answer = given ?? question.of(fields) ?? (await asked(task, words, question.refuses));
    const wrong = answer === undefined ? undefined : question.refuses(answer);
    if (answer === undefined) problems.push(`${option}…: missing, but required (${question.option.meaning})`);
    else if (wrong !== undefined) problems.push(`${option}${answer}: allowed: ${wrong}`);
    else fields = question.set(fields, answer);
  }
  return { fleet: { ...fleet, fields }, problems };
}

const MOST_TRIES = 3;

async function asked(
  { place: { askLine } }: ProjectTask,
  words: string,
  refuses: (answer: string) => string | undefined,
  byDefault?: string,
): Promise<string | undefined> {
  let hint = byDefault === undefined ? '' : ` [${byDefault}]`;
  for (let tries = 0; askLine && tries < MOST_TRIES; tries += 1) {
    const answer = (await askLine(`${words}${hint}: `)).trim() || byDefault;
    const wrong = answer === undefined ? 'something' : refuses(answer);
    if (wrong === undefined) return answer;
    hint = ` (allowed: ${wrong})`;
  }
  return undefined;
}

const last = ({ given }: ProjectTask, option: string) => given.get(option)?.at(-1);

/** The fields in the order of the reference. */
function fileOf(
  environment: string,
  { account, region }: AccountFacts,
  fleets: readonly ProposedFleet[],
): FleetsFile {
  const order = Object.keys(FleetConfig.entries);
  return {
    environments: [{ name: environment, account, region }],
    fleets: fleets.map(({ fields }) => {
      const all = Object.entries({ ...fields, environment });
      return Object.fromEntries(
        all.toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b)),
      ) as unknown as FleetInput;
    }),
  };
}

/** What is written passes `check`. */
function problemsOf(file: FleetsFile): readonly string[] {
  try {
    readFleets(file);
    return [];
  } catch (error) {
    if (error instanceof FleetsFileError) return error.problems;
    throw error;
  }
}

function written(
  { given, place: { folder } }: ProjectTask,
  text: string,
  { environments, fleets }: FleetsFile,
  notes: readonly string[] = [],
): ProjectOutcome {
  const needs = dependencies(given.get('package')?.at(-1));
  const files: ProjectFiles = projectFiles(basename(folder), text, needs);
  // A file that came meanwhile is not overwritten either.
  for (const name of FILES) writeFileSync(join(folder, name), files[name], { flag: 'wx' });
  return done(
    'written',
    [
      `Written: ${list(FILES, FILES.length)}. Nothing was changed in AWS.`,
      'Next:',
      '  npm install',
      `  ${COMMAND} check`,
      `  ${COMMAND} deploy ${fleets[0]?.name} --local --wait`,
      `  npx cdk deploy 'irekae-${environments[0]?.name}*'`,
    ],
    { files: FILES, fleets: fleets.map(({ name }) => name), notes },
  );
}
