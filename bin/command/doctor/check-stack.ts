/** Is the environment deployed, as this working tree would deploy it, and would an upload start the fleet? */
import { stackName } from '../../../lambdas/domain/core/names.ts';
import { list } from '../../../lambdas/domain/core/words.ts';
import type { EventRule } from '../../../lambdas/ports/inspector.ts';
import { given } from './answer.ts';
import { differences } from './compare-definitions.ts';
import type { Facts } from './facts.ts';
import { type Finding, ok, problem, warning } from './finding.ts';
import { aws, deployStack, shell } from './mending.ts';
import type { Check, Subject } from './subject.ts';
import { isUploadPattern } from './working-tree.ts';

export const checkStack: Check = (facts, subject) => {
  const findings = stackItself(facts, subject);
  // Where there is no stack, all that it makes is missing, and saying so would hide the one thing to do.
  if (findings.some(({ level }) => level === 'problem')) return findings;
  const found = machines(facts, subject);
  const all = [...findings, ...found];
  return found.some(({ level }) => level === 'problem') ? all : [...all, ...uploadRule(facts, subject)];
};

function stackItself({ stack }: Facts, { fleet: { environment } }: Subject): readonly Finding[] {
  const name = stackName(environment);
  return given('stack', `the stack ${name}`, [stack], (status) => {
    if (status === undefined)
      return [
        problem('stack', `there is no stack ${name}: the fleet was never deployed to AWS`, {
          mend: [deployStack(environment)],
        }),
      ];
    if (/_IN_PROGRESS$/.test(status))
      return [
        warning('stack', `the stack ${name} is being changed right now (${status})`, {
          mend: ['Run the doctor again when that is over.'],
        }),
      ];
    if (/^(CREATE|UPDATE|IMPORT|UPDATE_ROLLBACK|IMPORT_ROLLBACK)_COMPLETE$/.test(status))
      return [ok('stack', `${name} is ${status}`)];
    return [
      problem('stack', `the stack ${name} is ${status}: what stands in AWS is half of something`, {
        mend: [shell('npx', 'cdk', 'diff', name), deployStack(environment)],
      }),
    ];
  });
}

function machines({ machines: answer }: Facts, { fleet, tree }: Subject): readonly Finding[] {
  const mend = [deployStack(fleet.environment)];
  return given('machine', 'the state machines', [answer], (found) => {
    const missing = found.filter(({ deployed }) => deployed === undefined).map(({ name }) => name);
    if (missing.length > 0)
      return [
        problem(
          'machine',
          `there is no state machine ${list(missing)}: ${fleet.name} cannot be deployed, or not cleaned up after`,
          { mend },
        ),
      ];
    const differing = found.flatMap(({ name, deployed }) =>
      differences(deployed?.definition, tree.definitions[name]).map((each) => ({ name, ...each })),
    );
    const exist = ok('machine', `${list(found.map(({ name }) => name))} exist`);
    if (differing.length === 0)
      return [exist, ok('definition', 'they are what this working tree would deploy')];
    return [exist, warning('definition', differenceSentence(differing), { mend: diffFirst(fleet) })];
  });
}

const diffFirst = ({ environment }: Subject['fleet']) => [
  shell('npx', 'cdk', 'diff', stackName(environment)),
  deployStack(environment),
];

function differenceSentence(
  differing: readonly { name: string; path: string; deployed: string; here: string }[],
): string {
  // Both machines hold the whole fleet, and each state that opens one says it again.
  const told = new Map(
    differing.map(({ path, deployed, here }) => [
      path.replace(/^States\..*\.fleet\./, 'fleet.'),
      { deployed, here },
    ]),
  );
  const examples = [...told]
    .slice(0, 3)
    .map(([path, { deployed, here }]) => `${path} is ${deployed} in AWS and ${here} here`);
  const more = told.size > examples.length ? `; ${told.size - examples.length} more` : '';
  return `what is deployed is not what this working tree would deploy: ${examples.join('; ')}${more}`;
}

function uploadRule({ rules }: Facts, subject: Subject): readonly Finding[] {
  const { fleet, tree, region } = subject;
  if (!tree.startsOnUpload)
    return [ok('upload-rule', 'an upload alone does not start this fleet, as it is meant')];
  return given('upload-rule', 'the rule that starts deployments', [rules], (found) => {
    const ours = found.filter(({ pattern }) => isOurUpload(pattern, subject));
    const enabled = ours.filter((rule) => rule.enabled);
    if (enabled.length > 0)
      return [ok('upload-rule', `an upload of ${fleet.artifact.key} starts a deployment`)];
    const [disabled] = ours;
    return disabled === undefined
      ? [
          problem('upload-rule', `no rule starts ${fleet.name} when ${fleet.artifact.key} is uploaded`, {
            mend: diffFirst(fleet),
          }),
        ]
      : [
          problem('upload-rule', `the rule ${disabled.name} is switched off: an upload starts nothing`, {
            mend: [aws(region, 'events', 'enable-rule', '--name', disabled.name)],
          }),
        ];
  });
}

function isOurUpload(pattern: EventRule['pattern'], { fleet: { artifact } }: Subject): boolean {
  const { bucket, object } = Object(Object(pattern).detail);
  const names: unknown = Object(bucket).name;
  const keys: unknown = Object(object).key;
  return (
    isUploadPattern(pattern) &&
    Array.isArray(names) &&
    names.includes(artifact.bucket) &&
    Array.isArray(keys) &&
    keys.includes(artifact.key)
  );
}
