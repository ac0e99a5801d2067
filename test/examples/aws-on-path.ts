/**
 * A machine with the AWS CLI, as the shell examples see it: `aws`, `sleep` and `date` answer from files, on a clock that
 * only `sleep` moves. They are functions that the scripts' bash finds in its environment, before any program: a script
 * that waits calls them hundreds of times, and a process for each took longer than everything else. What each `--query`
 * of the scripts makes of each answer is worked out beforehand (`aws-queries.ts`); an unknown one fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quote } from '../../lambdas/domain/launch/boot-script.ts';
import { queriesIn, textOf } from './aws-queries.ts';
import { exampleFile } from './example-files.ts';

export const ACCOUNT = '111111111111';
export const REGION = 'ap-northeast-1';

export interface FakeExecution {
  readonly name: string;
  /** The machine's name. */
  readonly machine: string;
  readonly input: object;
  /** Seconds after the test began. Default: there from the beginning. */
  readonly startsAt?: number;
  /** Default: 12 s after its start. */
  readonly endsAt?: number;
  readonly status?: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  /** The *Succeed* state. */
  readonly endedIn?: string;
  readonly error?: string;
  readonly cause?: string;
  /** What it answers with in the end. */
  readonly answer?: string;
  /** While it runs. */
  readonly state?: string;
  readonly output?: string;
}

export interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const BEGAN = 1_795_316_400;

/** What the shell examples ask for. */
const QUERIES = queriesIn(
  ...['irekae.sh', 'deploy.sh', 'promote.sh', 'upload.sh'].map((name) => exampleFile(`shell/${name}`)),
);

type Answers = Readonly<Record<string, object>>;

/** A file for each query of each answer: `describe.running.0`. What a query cannot be asked of, it fails on. */
function writeAnswers(folder: string, answers: Answers): void {
  for (const [name, answer] of Object.entries(answers))
    for (const [index, query] of QUERIES.entries())
      writeFileSync(join(folder, `${name}.${index}`), `${textOf(query, answer)}\n`);
}

/** As `DescribeExecution` and `GetExecutionHistory`, newest first, answer while it runs and once it has ended. */
function answersOf(execution: FakeExecution): Answers {
  const {
    machine,
    name,
    input,
    status = 'SUCCEEDED',
    state,
    output,
    endedIn,
    error,
    cause,
    answer = '{}',
  } = execution;
  const running = {
    executionArn: arnOf(machine, name),
    stateMachineArn: `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:${machine}`,
    name,
    status: 'RUNNING',
    startDate: '2026-11-22T03:00:00+00:00',
    input: JSON.stringify(input),
    redriveCount: 0,
  };
  const ended =
    status === 'SUCCEEDED' ? { output: answer } : { ...(error && { error }), ...(cause && { cause }) };
  const entered = (type: string, at: string | undefined, details = 'stateEnteredEventDetails') =>
    at === undefined ? [] : [{ type, [details]: { name: at } }];
  const before = [
    ...(output === undefined
      ? []
      : [{ type: 'LambdaFunctionSucceeded', lambdaFunctionSucceededEventDetails: { output } }]),
    { type: 'LambdaFunctionStarted' },
    ...entered('TaskStateEntered', state),
    ...(state === undefined ? [] : entered('TaskStateEntered', 'an earlier state')),
    { type: 'ExecutionStarted', executionStartedEventDetails: { input: running.input } },
  ];
  const end = [
    { type: status === 'SUCCEEDED' ? 'ExecutionSucceeded' : 'ExecutionFailed' },
    ...entered('SucceedStateExited', endedIn, 'stateExitedEventDetails'),
    ...entered('SucceedStateEntered', endedIn),
  ];
  return {
    'describe.running': running,
    'describe.ended': { ...running, status, stopDate: '2026-11-22T03:10:00+00:00', ...ended },
    'history.running': { events: before },
    'history.ended': { events: [...end, ...before] },
    'list.running': { executions: [running] },
    'list.ended': { executions: [{ ...running, status }] },
  };
}

/** @param sha256 hex, as S3 has computed it; whatever the metadata claims */
const headOf = (versionId: string, sha256: string | undefined) => ({
  head: {
    ContentLength: 9,
    VersionId: versionId,
    ...(sha256 !== undefined && { ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64') }),
    Metadata: { sha256: 'f'.repeat(64) },
  },
});

export class AwsOnPath {
  readonly root = mkdtempSync(join(tmpdir(), 'irekae-examples-'));

  constructor() {
    for (const directory of ['executions', 'objects', 'uploaded']) mkdirSync(join(this.root, directory));
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/irekae-ci-staging/run-7`;
    writeAnswers(this.root, { caller: { UserId: 'AROAEXAMPLE:run-7', Account: ACCOUNT, Arn: arn } });
    writeAnswers(join(this.root, 'uploaded'), headOf('uploaded-version', undefined));
    this.stackMadeAt('2026-03-01T09:00:00.123000+00:00');
    this.write('clock', `${BEGAN}\n`);
  }

  /** Later ones are newer: the list begins with them. */
  addExecution(execution: FakeExecution): void {
    const { startsAt = 0, endsAt = startsAt + 12 } = execution;
    const fields: Record<string, string | number> = {
      arn: arnOf(execution.machine, execution.name),
      starts: BEGAN + startsAt,
      ends: BEGAN + endsAt,
    };
    const folder = join(this.root, 'executions', execution.machine);
    mkdirSync(folder, { recursive: true });
    const number = String(this.#executions).padStart(4, '0');
    this.#executions += 1;
    mkdirSync(join(folder, number));
    for (const [name, value] of Object.entries(fields)) writeFileSync(join(folder, number, name), `${value}`);
    writeAnswers(join(folder, number), answersOf(execution));
  }

  /** What an execution that the script starts will come to. */
  willStart(machine: string, ending: Omit<FakeExecution, 'machine' | 'name' | 'input'>): void {
    const folder = join(this.root, 'willstart', machine);
    mkdirSync(folder, { recursive: true });
    writeAnswers(folder, answersOf({ ...ending, machine, name: 'started', input: {} }));
  }

  /** The newest version under the one key that there is. */
  putObject(versionId: string, sha256: string): void {
    writeAnswers(join(this.root, 'objects'), headOf(versionId, sha256));
  }

  /** From so many seconds on, this is the newest version. */
  putObjectLater(seconds: number, versionId: string): void {
    mkdirSync(join(this.root, 'later'), { recursive: true });
    writeAnswers(join(this.root, 'later'), headOf(versionId, undefined));
    this.write('objects/later-at', String(BEGAN + seconds));
  }

  addRecord(fleet: string, deployment: string, record: object): void {
    const folder = join(this.root, 'records', fleet);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${deployment}.json`), JSON.stringify(record));
  }

  /** Every call whose first words are these fails with this message, so many times. */
  failAt(call: string, message: string, times = 99): void {
    this.write('fail-at', call);
    this.write('fail-message', `\n${message}\n`);
    this.write('fail-times', String(times));
  }

  /** As the AWS CLI tells it, 1 or 2; the test begins on 2026-11-22 at 03:00. */
  stackMadeAt(time: string): void {
    writeAnswers(this.root, { stack: { Stacks: [{ StackName: 'irekae-staging', CreationTime: time }] } });
  }

  /** From so many seconds on, whatever is asked fails with this message: for good. */
  endCredentialsAt(seconds: number, message: string): void {
    this.failAt('', message, 999_999);
    this.write('fail-from', String(BEGAN + seconds));
  }

  run(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
    const { status, stdout, stderr } = spawnSync('bash', [script, ...args], {
      encoding: 'utf8',
      timeout: 60_000,
      env: {
        PATH: '/usr/bin:/bin',
        ...functions({ aws: AWS, sleep: SLEEP, date: DATE }),
        WORLD: this.root,
        TMPDIR: this.root,
        LC_ALL: 'C.UTF-8',
        AWS_REGION: REGION,
        ...env,
      },
    });
    return { code: status, out: stdout, err: stderr };
  }

  /** The calls of `aws`, as their arguments. */
  get calls(): readonly string[] {
    return this.read('calls').trimEnd().split('\n');
  }

  callsOf(begin: string): readonly string[] {
    return this.calls.filter((call) => call.startsWith(begin));
  }

  /** Seconds that passed. */
  get passed(): number {
    return Number(this.read('clock')) - BEGAN;
  }

  read(path: string): string {
    const file = join(this.root, path);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  write(path: string, content: string): void {
    writeFileSync(join(this.root, path), content);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #executions = 0;
}

/** As `export -f` hands functions on. The scripts ask `aws` and `date` in a subshell, where they may exit and set things. */
const functions = (bodies: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(bodies).map(([name, body]) => [`BASH_FUNC_${name}%%`, `() {\n${body}\n}`]),
  );

export const arnOf = (machine: string, name: string): string =>
  `arn:aws:states:${REGION}:${ACCOUNT}:execution:${machine}:${name}`;

const SLEEP = 'local now; read -r now <"$WORLD/clock"; echo $((now + $1)) >"$WORLD/clock"';

const DATE = `
read -r now <"$WORLD/clock"
for last; do :; done
if [ "$last" = +%s ]; then echo "$now"; else exec /bin/date -d "@$now" "$@"; fi
`;

/** `aws`: each line of `calls` is one call. Inside this literal, `\${` is bash's `${`. */
const AWS = `
set -eu
call="$*"
printf '%s\\n' "\${call//$'\\n'/ }" >>"$WORLD/calls"
# Into a variable, without a process: a call is asked for a hundred times.
get() { # VARIABLE FILE
  local got_
  IFS= read -r -d '' got_ <"$2" || :
  while [[ $got_ == *$'\\n' ]]; do got_=\${got_%$'\\n'}; done
  printf -v "$1" %s "$got_"
}
refuse() { printf '\\n%s\\n' "$*" >&2; exit 254; }
unknown() { refuse "Invalid choice: the test knows no $call"; }
get now "$WORLD/clock"
if [ -e "$WORLD/fail-at" ]; then
  get fails "$WORLD/fail-at"
  from=0
  if [ -e "$WORLD/fail-from" ]; then get from "$WORLD/fail-from"; fi
  if [[ $call == "$fails"* ]] && [ "$now" -ge "$from" ]; then
    get times "$WORLD/fail-times"
    echo $((times - 1)) >"$WORLD/fail-times"
    if [ "$times" -gt 0 ]; then cat "$WORLD/fail-message" >&2; exit 254; fi
  fi
fi
query= arn= machine= name= input= body=
options() {
  while [ $# -gt 1 ]; do
    case $1 in
      --query) query=$2 ;;
      --execution-arn) arn=$2 ;;
      --state-machine-arn) machine=\${2##*:} ;;
      --name) name=$2 ;;
      --input) input=$2 ;;
      --body) body=$2 ;;
    esac
    shift
  done
}
options "$@"
asked=
case $query in
${QUERIES.map((query, index) => `  ${quote(query)}) asked=${index} ;;`).join('\n')}
  '') ;;
  *) unknown ;;
esac
find_folder() { # of the execution $arn
  local of=\${arn%:*} its starts
  for folder in "$WORLD/executions/\${of##*:}"/*/; do
    if [ ! -e "$folder/arn" ]; then continue; fi
    get its "$folder/arn"
    get starts "$folder/starts"
    if [ "$its" = "$arn" ] && [ "$now" -ge "$starts" ]; then return; fi
  done
  refuse 'An error occurred (ExecutionDoesNotExist) when calling the DescribeExecution operation: Execution Does Not Exist'
}
get_status() { # FOLDER
  local ends
  get ends "$1/ends"
  if [ "$now" -lt "$ends" ]; then status=running; else status=ended; fi
}
tell() { local text; get text "$1.$asked"; printf '%s\\n' "$text"; } # ANSWER: what the query makes of it
case "$1 $2" in
  'sts get-caller-identity') tell "$WORLD/caller" ;;
  'cloudformation describe-stacks')
    [[ $call == *'--stack-name irekae-staging '* ]] ||
      refuse 'An error occurred (ValidationError) when calling the DescribeStacks operation: Stack does not exist'
    tell "$WORLD/stack"
    ;;
  's3api head-object')
    object=$WORLD/objects
    if [ -e "$WORLD/objects/later-at" ]; then
      get later "$WORLD/objects/later-at"
      if [ "$now" -ge "$later" ]; then object=$WORLD/later; fi
    fi
    [ -e "$object/head.0" ] || refuse 'An error occurred (404) when calling the HeadObject operation: Not Found'
    tell "$object/head"
    ;;
  's3api put-object')
    cp "$body" "$WORLD/objects/body"
    cp "$WORLD/uploaded"/* "$WORLD/objects"
    tell "$WORLD/uploaded/head"
    ;;
  's3 cp')
    record=\${4#s3://*/irekae/}
    cat "$WORLD/records/\${record%/deployments/*}/\${record##*/}" 2>/dev/null ||
      refuse 'fatal error: An error occurred (404) when calling the HeadObject operation: Key does not exist'
    ;;
  'stepfunctions list-executions')
    [ -e "$WORLD/executions/$machine" ] || [ -e "$WORLD/willstart/$machine" ] ||
      refuse 'An error occurred (StateMachineDoesNotExist) when calling the ListExecutions operation: State Machine Does Not Exist'
    folders=("$WORLD/executions/$machine"/*/)
    for ((index = \${#folders[@]} - 1; index >= 0; index -= 1)); do
      folder=\${folders[index]}
      if [ ! -e "$folder/arn" ]; then continue; fi
      get starts "$folder/starts"
      if [ "$now" -lt "$starts" ]; then continue; fi
      get its "$folder/arn"
      get_status "$folder"
      tell "$folder/list.$status"
    done
    ;;
  'stepfunctions describe-execution')
    # Of a door: what it has started.
    if [ "$query" = output ] && [[ $arn == *-override:* ]]; then
      printf '{"ExecutionArn":"%s","StartDate":1}\\n' "\${arn/-override:/:}"
      exit
    fi
    find_folder
    get_status "$folder"
    tell "$folder/describe.$status"
    ;;
  'stepfunctions get-execution-history')
    find_folder
    get_status "$folder"
    tell "$folder/history.$status"
    ;;
  'stepfunctions start-execution')
    # A door starts what it leads to, under its own name.
    if [[ $machine == *-override ]]; then printf %s "$machine" >"$WORLD/door"; fi
    machine=\${machine%-override}
    count=0
    for folder in "$WORLD/executions/$machine"/*/; do
      if [ ! -e "$folder/arn" ]; then continue; fi
      count=$((count + 1))
      get its "$folder/arn"
      if [[ $its == *:"$name" ]]; then
        refuse 'An error occurred (ExecutionAlreadyExists) when calling the StartExecution operation: Execution Already Exists'
      fi
    done
    [ -e "$WORLD/willstart/$machine" ] ||
      refuse 'An error occurred (StateMachineDoesNotExist) when calling the StartExecution operation: State Machine Does Not Exist'
    folder=$WORLD/executions/$machine/9$count
    mkdir -p "$folder"
    cp "$WORLD/willstart/$machine"/* "$folder"
    printf 'arn:aws:states:${REGION}:${ACCOUNT}:execution:%s:%s' "$machine" "$name" >"$folder/arn"
    echo "$now" >"$folder/starts"
    echo $((now + 12)) >"$folder/ends"
    printf %s "$input" >"$folder/input"
    ;;
  *) unknown ;;
esac
`;
