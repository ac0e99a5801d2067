/** Are environment and fleet deployed, as the fleets file and this version of irekae would deploy it, and would an upload start the fleet? */
import { fleetStackName, stackName } from '../../../lambdas/domain/core/names.ts';
import { list } from '../../../lambdas/domain/core/words.ts';
import { isBeingChanged } from '../stack-status.ts';
import { aws } from '../typed.ts';
import type { Answer } from './answer.ts';
import { type Check, check, type Subject } from './check.ts';
import { type Difference, differences } from './compare-definitions.ts';
import { deployStack, diffStacks } from './mending.ts';
import { isUploadPattern } from './upload-pattern.ts';

export const checkStack: Check = (facts, subject) => {
  const findings = bothStacks(facts, subject);
  // Without a stack, everything that it makes is missing, and reporting that would hide the one thing to fix.
  if (findings.some(({ level }) => level === 'problem')) return findings;
  const found = machines(facts, subject);
  const all = [...findings, ...found];
  return found.some(({ level }) => level === 'problem') ? all : [...all, ...uploadRule(facts, subject)];
};

const stack = check('stack');

/** The environment's first: the fleet's builds upon it, so that one thing is to be done at a time. */
const bothStacks: Check = (facts, { fleet }) => {
  const [environments, fleets] = [
    stackName(fleet.environment),
    fleetStackName(fleet.environment, fleet.name),
  ];
  const shared = stackItself(environments, facts.stack, fleet);
  return shared.some(({ level }) => level !== 'ok')
    ? shared
    : [...shared, ...stackItself(fleets, facts.fleetStack, fleet)];
};

const stackItself = (
  name: string,
  status: Answer<string | undefined>,
  fleet: Subject['fleet'],
): ReturnType<Check> =>
  stack.given(`the stack ${name}`, [status], (status) => {
    if (status === undefined)
      return stack.problem(
        `there is no stack ${name}: the fleet was never deployed to AWS`,
        deployStack(fleet),
      );
    const told = `the stack ${name} is`;
    if (isBeingChanged(status))
      return stack.warning(
        `${told} being changed right now (${status})`,
        'Run the doctor again when that is over.',
      );
    if (/^(CREATE|UPDATE|IMPORT|UPDATE_ROLLBACK|IMPORT_ROLLBACK)_COMPLETE$/.test(status))
      return stack.ok(`${name} is ${status}`);
    return stack.problem(`${told} ${status}: it is only partly deployed`, diffFirst(fleet));
  });

const diffFirst = (fleet: Subject['fleet']) => [diffStacks(fleet), deployStack(fleet)];

const machine = check('machine');
const definition = check('definition');

const machines: Check = (facts, { fleet, tree }) =>
  machine.given('the state machines', [facts.machines], (found) => {
    const missing = found.filter(({ deployed }) => deployed === undefined).map(({ name }) => name);
    if (missing.length > 0)
      return machine.problem(
        `there is no state machine ${list(missing)}: ${fleet.name} cannot be deployed or cleaned up after`,
        deployStack(fleet),
      );
    const differing = found.flatMap(({ name, deployed }) =>
      differences(deployed?.definition, tree.definitions[name]),
    );
    return [
      machine.ok(`${list(found.map(({ name }) => name))} exist`),
      differing.length === 0
        ? definition.ok('they are what the fleets file and this version of irekae would deploy')
        : definition.warning(differenceSentence(differing), diffFirst(fleet)),
    ];
  });

function differenceSentence(differing: readonly Difference[]): string {
  // Both machines contain the whole fleet, and each state that opens one repeats it.
  const told = new Map(differing.map((each) => [each.path.replace(/^States\..*\.fleet\./, 'fleet.'), each]));
  const examples = [...told]
    .slice(0, 3)
    .map(([path, { deployed, here }]) => `${path} is ${deployed} in AWS and ${here} here`);
  const more = told.size > examples.length ? `; ${told.size - examples.length} more` : '';
  return `what is deployed differs from what the fleets file and this version of irekae would deploy: ${examples.join('; ')}${more}`;
}

const rule = check('upload-rule');

const uploadRule: Check = ({ rules }, { fleet, tree, region }) => {
  const { name, artifact } = fleet;
  if (artifact.key === undefined)
    return [rule.ok('none is needed: without an artifact, a new image starts this fleet, or a person')];
  if (!tree.startsOnUpload) return [rule.ok('an upload alone does not start this fleet, as intended')];
  return rule.given('the rule that starts deployments', [rules], (found) => {
    const ours = found.filter(({ pattern }) => isOurUpload(pattern, artifact));
    if (ours.some(({ enabled }) => enabled))
      return rule.ok(`an upload of ${artifact.key} starts a deployment`);
    const [disabled] = ours;
    return disabled === undefined
      ? rule.problem(`no rule starts ${name} when ${artifact.key} is uploaded`, diffFirst(fleet))
      : rule.problem(
          `the rule ${disabled.name} is disabled: an upload starts nothing`,
          aws(region)`events enable-rule --name ${disabled.name}`,
        );
  });
};

function isOurUpload(pattern: unknown, { bucket: ours, key }: Subject['fleet']['artifact']): boolean {
  const { bucket, object } = Object(Object(pattern).detail);
  const includes = (values: unknown, value: string) => Array.isArray(values) && values.includes(value);
  return (
    isUploadPattern(pattern) && includes(Object(bucket).name, ours) && includes(Object(object).key, key ?? '')
  );
}
