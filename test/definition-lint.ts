/**
 * What a definition must not contain, because the local interpreter runs it differently from AWS, or because nothing
 * before a deployment to AWS would notice that it is wrong. What is refused is what the interpreter, CDK and
 * asl-validator were seen to get wrong; a definition inside these bounds behaves locally as it does in AWS.
 */
import { createRequire } from 'node:module';

type Json = unknown;
type JsonObject = Readonly<Record<string, Json>>;
type Validator = (definition: object, options: object) => { isValid: boolean; errorsText: () => string };

const require = createRequire(import.meta.url);
// The package has no type declarations.
const validate = require('asl-validator') as Validator;

interface Ajv {
  addKeyword: (keyword: unknown) => Ajv;
}
const ajv = createRequire(require.resolve('asl-validator'))('ajv') as {
  default: new (options: object) => Ajv;
};
const { default: RealAjv } = ajv;
let compiled: Ajv | undefined;

/**
 * The validator makes an Ajv for each definition and compiles its schemas anew, which takes a hundred times as long as
 * to use them. While it runs it gets the one that was made first; all calls here have the same options.
 */
function validated(definition: object) {
  ajv.default = new Proxy(RealAjv, {
    construct: (_, [options]: [object]) => {
      // It has its keywords, and refuses to get them again.
      if (compiled) compiled.addKeyword = () => compiled as Ajv;
      compiled ??= new RealAjv(options);
      return compiled;
    },
  });
  try {
    return validate(definition, { checkPaths: true, checkArn: true });
  } finally {
    ajv.default = RealAjv;
  }
}

/** Problems of a resolved definition, each with the state it is in; empty when there are none. */
export function definitionProblems(definition: object): string[] {
  // A copy, because the validator writes into what it is given.
  const { isValid, errorsText } = validated(withArns(definition));
  const malformed = isValid ? [] : [`asl-validator: ${errorsText()}`];
  return [
    ...malformed,
    ...languageProblems('state machine', definition as JsonObject),
    ...statesProblems(definition, false),
  ];
}

/** The validator wants an ARN where a resolved definition has the name of a reference. */
function withArns(definition: object): object {
  const text = JSON.stringify(definition);
  const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:$1';
  return JSON.parse(
    text
      .replace(/\$\{(\w+)\.Arn\}/g, arn)
      .replace(/"Resource":"\$\{(\w+)\}"/g, `"Resource":"${arn}:7"`)
      .replace(/\$\{AWS::Partition\}/g, 'aws'),
  );
}

const object = (value: Json): JsonObject => Object(value) as JsonObject;

function statesProblems(machine: Json, nested: boolean): string[] {
  return Object.entries(object(object(machine).States)).flatMap(([name, value]) => {
    const state = object(value);
    const inner = [...branches(state)].flatMap((branch) => statesProblems(branch, true));
    const found = [
      ...languageProblems(name, state),
      ...typeProblems(state),
      ...retryProblems(state),
      ...pathProblems(state, nested),
    ];
    return [...found.map((problem) => `${name}: ${problem}`), ...inner];
  });
}

function* branches(state: JsonObject): Iterable<Json> {
  yield* Array.isArray(state.Branches) ? state.Branches : [];
  if (state.ItemProcessor !== undefined) yield state.ItemProcessor;
  if (state.Iterator !== undefined) yield state.Iterator;
}

/** The interpreter takes JSONata for JSONPath and ignores variables, both without a word. */
function languageProblems(where: string, part: JsonObject): string[] {
  const fields = ['Assign', 'Arguments', 'Output'].filter(
    (field) => field in part || catchers(part).some((c) => field in c),
  );
  const language = part.QueryLanguage ?? 'JSONPath';
  return [
    ...(language === 'JSONPath' ? [] : [`${where} uses ${language}`]),
    ...fields.map((field) => `${where} uses ${field}`),
  ];
}

const catchers = (state: JsonObject): JsonObject[] =>
  Array.isArray(state.Catch) ? state.Catch.map(object) : [];
const retriers = (state: JsonObject): JsonObject[] =>
  Array.isArray(state.Retry) ? state.Retry.map(object) : [];

/** A version (what is deployed meanwhile changes nothing for who runs already), a hook, or a start that nobody waits for. */
const TASK =
  /^(\$\{\w+CurrentVersion\w+\}|arn:aws:lambda:[a-z0-9-]+:\d{12}:function:[\w:-]+|arn:\$\{AWS::Partition\}:states:::states:startExecution)$/;

function typeProblems(state: JsonObject): string[] {
  const problems: string[] = [];
  if (state.Type === 'Task') problems.push(...taskProblems(state));
  if (state.Type === 'Map') {
    const tolerance = Object.keys(state).filter((field) => field.startsWith('ToleratedFailure'));
    problems.push(...tolerance.map((field) => `${field} is ignored by the interpreter`));
    const mode = object(object(state.ItemProcessor).ProcessorConfig).Mode;
    if (mode === 'DISTRIBUTED') problems.push('a Distributed Map is not interpreted');
  }
  for (const field of ['ErrorPath', 'CausePath']) {
    if (String(state[field] ?? '').startsWith('States.')) problems.push(`${field} is an intrinsic function`);
  }
  return problems;
}

function taskProblems(state: JsonObject): string[] {
  const problems: string[] = [];
  const resource = String(state.Resource);
  if (!TASK.test(resource)) problems.push(`${resource} is not a function of the template`);
  if (resource.includes('.waitForTaskToken') || resource.includes('.sync'))
    problems.push('waits for a callback');
  if ('HeartbeatSeconds' in state || 'HeartbeatSecondsPath' in state)
    problems.push('a function sends no heartbeat');
  const seconds = state.TimeoutSeconds;
  if (!isWhole(seconds, 1, 99_999_999))
    problems.push('has no time limit of its own; the default is three years');
  return problems;
}

const isWhole = (n: Json, least: number, most: number) =>
  Number.isInteger(n) && Number(n) >= least && Number(n) <= most;

/** CDK and asl-validator let all of this pass; the service refuses it, or retries for years. */
function retryProblems(state: JsonObject): string[] {
  const all = (handlers: JsonObject[]) =>
    handlers.map(({ ErrorEquals: errors }) => (Array.isArray(errors) ? errors : []));
  const misplaced = [all(retriers(state)), all(catchers(state))].some((lists) =>
    lists.some((errors, i) => errors.includes('States.ALL') && (errors.length > 1 || i < lists.length - 1)),
  );
  return [
    ...(misplaced ? ['States.ALL is not alone and last'] : []),
    ...retriers(state).flatMap((retrier) => numberProblems(retrier)),
  ];
}

function numberProblems(retrier: JsonObject): string[] {
  const {
    IntervalSeconds: interval,
    MaxAttempts: attempts,
    BackoffRate: rate,
    MaxDelaySeconds: longest,
  } = retrier;
  const jitter = retrier.JitterStrategy ?? 'NONE';
  const problems: string[] = [];
  // Explicit all of them: the defaults are three attempts and a doubling pause, which nobody would guess.
  if (!isWhole(interval, 1, 99_999_999)) problems.push('IntervalSeconds is not 1 to 99999999');
  if (!isWhole(attempts, 0, 99_999_999)) problems.push('MaxAttempts is not 0 to 99999999');
  if (!(Number(rate) >= 1)) problems.push('BackoffRate is not a number from 1 on');
  if (!isWhole(longest, Math.max(1, Number(interval)), 31_622_400)) {
    problems.push('MaxDelaySeconds is not between IntervalSeconds and 31622400');
  }
  if (jitter !== 'NONE' && jitter !== 'FULL')
    problems.push(`JitterStrategy ${String(jitter)} does not exist`);
  return problems;
}

/** Texts that are paths, with the name of the field that they stand in. */
function* paths(value: Json, field = ''): Iterable<string> {
  if (typeof value === 'string') {
    const isPath = field.endsWith('.$') || field.endsWith('Path') || field === 'Variable';
    if (isPath) yield value;
  } else if (value !== null && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'States' || key === 'Branches') continue;
      yield* paths(inner, Array.isArray(value) ? field : key);
    }
  }
}

const KNOWN_CONTEXT = ['$$.Execution.Id', '$$.Execution.Name', '$$.Execution.StartTime'];

function pathProblems(state: JsonObject, nested: boolean): string[] {
  return [...paths(state)].flatMap((path) => {
    const context = path.match(/\$\$[\w.]*/g) ?? [];
    const allowed = nested ? KNOWN_CONTEXT : [...KNOWN_CONTEXT, '$$.Execution.Input'];
    return [
      ...context.filter((each) => !allowed.includes(each)).map((each) => `${each} is not the same locally`),
      ...(path.includes('?(') ? [`the filter in ${path} fails when nothing matches`] : []),
    ];
  });
}
