/** event-ruler (Maven), the matcher that EventBridge runs: every rule of the stacks, on every event that may come. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventPattern, matches } from '../simulator/event-rule.ts';
import { type Event, eventsFor } from './events.ts';
import type { Judge, Verdict } from './judge.ts';
import { type Made, resourcesOf } from './moto/resources.ts';
import { judgedTemplates } from './templates-of-all.ts';
import { run, TOOLS } from './tools.ts';

const JARS = join(TOOLS, 'event-ruler');

export const eventPatterns: Judge = {
  name: 'event-patterns',
  missing: () => {
    if (spawnSync('java', ['-version']).status !== 0) return 'no java on the PATH';
    return existsSync(JARS) ? undefined : `no event-ruler in ${JARS}: .ci/run with CI=true installs it`;
  },
  judge: async () => judged((pattern) => pattern),
  // As if the failures of a deployment told nobody.
  control: async () =>
    judged((pattern) => JSON.parse(JSON.stringify(pattern).replaceAll('"FAILED"', '"FAIL"'))),
};

interface Asked {
  readonly rule: string;
  readonly pattern: EventPattern;
  /** What is deployed; the control breaks only what the ruler is given. */
  readonly given: EventPattern;
}

function judged(broken: (pattern: EventPattern) => EventPattern): Verdict {
  let [rules, pairs, taken] = [0, 0, 0];
  const against: string[] = [];
  for (const { environment, template } of judgedTemplates()) {
    const made = resourcesOf(template, environment);
    const asked = made.flatMap((each) => askedOf(each, broken));
    const events = eventsFor(
      environment,
      bucketsIn(made),
      environment.fleets.flatMap(({ artifact }) => artifact ?? []),
      machinesIn(made),
    );
    const lines = ruled(asked, events);
    for (const [row, { rule, pattern }] of asked.entries()) {
      rules += 1;
      const verdicts = [...(lines[row] ?? '')].map((each) => each === '1');
      for (const [column, { is, event }] of events.entries()) {
        pairs += 1;
        if (verdicts[column]) taken += 1;
        if (verdicts[column] !== matches(pattern, event))
          against.push(`${rule} ${verdicts[column] ? 'takes' : 'does not take'}: ${is}`);
      }
      if (!verdicts.includes(true)) against.push(`${rule} takes none of ${events.length} events`);
    }
  }
  return { looked: `${rules} rules, ${pairs} pairs of a rule and an event, ${taken} taken`, against };
}

const askedOf = (
  { id, type, properties }: Made,
  broken: (pattern: EventPattern) => EventPattern,
): Asked[] => {
  const pattern = properties.EventPattern as EventPattern | undefined;
  return type === 'AWS::Events::Rule' && pattern ? [{ rule: id, pattern, given: broken(pattern) }] : [];
};
const bucketsIn = (made: readonly Made[]) =>
  made.flatMap(({ type, name }) => (type === 'AWS::S3::Bucket' ? [name] : []));
const machinesIn = (made: readonly Made[]) =>
  made.flatMap(({ type, name }) => (type === 'AWS::StepFunctions::StateMachine' ? [name] : []));

function ruled(asked: readonly Asked[], events: readonly Event[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'irekae-events-'));
  try {
    const file = join(folder, 'asked.json');
    const patterns = asked.map(({ given }) => given);
    writeFileSync(file, JSON.stringify({ patterns, events: events.map(({ event }) => event) }));
    const program = join(import.meta.dirname, 'event-ruler/Patterns.java');
    return run('java', ['-cp', `${JARS}/*`, program, file])
      .out.trim()
      .split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
