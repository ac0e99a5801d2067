/**
 * A machine with the AWS CLI, as the shell examples see it: `aws`, `sleep` and `date` on the PATH are scripts that
 * answer from files, on a clock that only `sleep` moves. What the CLI prints for these calls was compared with the real
 * one (1.45) against an endpoint that answers alike; `--query` itself is not carried out here: an unknown one fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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

export class AwsOnPath {
  readonly root = mkdtempSync(join(tmpdir(), 'irekae-examples-'));

  constructor() {
    for (const directory of ['bin', 'executions', 'objects']) mkdirSync(join(this.root, directory));
    this.write('clock', String(BEGAN));
    this.#program('aws', AWS);
    this.#program('sleep', 'echo $(($(<"$WORLD/clock") + $1)) >"$WORLD/clock"');
    this.#program('date', DATE);
  }

  /** Later ones are newer: the list begins with them. */
  addExecution(execution: FakeExecution): void {
    const { startsAt = 0, endsAt = startsAt + 12, status = 'SUCCEEDED' } = execution;
    const fields: Record<string, string | number> = {
      arn: arnOf(execution.machine, execution.name),
      starts: BEGAN + startsAt,
      ends: BEGAN + endsAt,
      status,
      input: JSON.stringify(execution.input),
      ended_in: execution.endedIn ?? 'None',
      error: execution.error ?? 'None',
      cause: execution.cause ?? 'None',
      state: execution.state ?? 'None',
      output: execution.output ?? 'None',
    };
    const folder = join(this.root, 'executions', execution.machine);
    mkdirSync(folder, { recursive: true });
    const number = String(this.#executions).padStart(4, '0');
    this.#executions += 1;
    mkdirSync(join(folder, number));
    for (const [name, value] of Object.entries(fields)) writeFileSync(join(folder, number, name), `${value}`);
  }

  /** What an execution that the script starts will come to. */
  willStart(machine: string, ending: Omit<FakeExecution, 'machine' | 'name' | 'input'>): void {
    const folder = join(this.root, 'willstart', machine);
    mkdirSync(folder, { recursive: true });
    const { status = 'SUCCEEDED', endedIn = 'None', error = 'None', cause = 'None' } = ending;
    for (const [name, value] of Object.entries({ status, ended_in: endedIn, error, cause })) {
      writeFileSync(join(folder, name), value);
    }
  }

  /** The newest version under the one key that there is. */
  putObject(versionId: string, sha256: string): void {
    this.write('objects/newest', `${versionId}\t${sha256}\n`);
  }

  /** From so many seconds on, this is the newest version. */
  putObjectLater(seconds: number, versionId: string): void {
    this.write('objects/later', `${versionId}\tother\n`);
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

  run(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
    const { status, stdout, stderr } = spawnSync('bash', [script, ...args], {
      encoding: 'utf8',
      timeout: 60_000,
      env: {
        PATH: `${join(this.root, 'bin')}:/usr/bin:/bin`,
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

  #program(name: string, text: string): void {
    writeFileSync(join(this.root, 'bin', name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
  }
}

export const arnOf = (machine: string, name: string): string =>
  `arn:aws:states:${REGION}:${ACCOUNT}:execution:${machine}:${name}`;

const DATE = `
if [ "\${!#}" = +%s ]; then cat "$WORLD/clock"; else exec /bin/date -d "@$(<"$WORLD/clock")" "$@"; fi
`;

/** `aws`: each line of `calls` is one call. Inside this literal, `\${` is bash's `${`. */
const AWS = `
set -eu
call="$*"
printf '%s\\n' "\${call//$'\\n'/ }" >>"$WORLD/calls"
now=$(<"$WORLD/clock")
value() { # OPTION: its value
  local option=$1
  shift
  while [ $# -gt 0 ]; do [ "$1" = "$option" ] && { printf %s "$2"; return; }; shift; done
}
refuse() { printf '\\n%s\\n' "$*" >&2; exit 254; }
unknown() { refuse "Invalid choice: the test knows no $call"; }
if [ -e "$WORLD/fail-at" ] && [[ $call == "$(<"$WORLD/fail-at")"* ]]; then
  times=$(<"$WORLD/fail-times")
  echo $((times - 1)) >"$WORLD/fail-times"
  if [ "$times" -gt 0 ]; then cat "$WORLD/fail-message" >&2; exit 254; fi
fi
folder_of() { # ARN
  local machine=\${1%:*}
  local folder
  for folder in "$WORLD/executions/\${machine##*:}"/*/; do
    if [ -e "$folder/arn" ] && [ "$(<"$folder/arn")" = "$1" ] && [ "$now" -ge "$(<"$folder/starts")" ]; then
      printf %s "$folder"
      return
    fi
  done
  refuse 'An error occurred (ExecutionDoesNotExist) when calling the DescribeExecution operation: Execution Does Not Exist'
}
status_of() { if [ "$now" -lt "$(<"$1/ends")" ]; then printf RUNNING; else cat "$1/status"; fi; }
query=$(value --query "$@")
case "$1 $2" in
  'sts get-caller-identity')
    printf '${ACCOUNT}\\tarn:aws:sts::${ACCOUNT}:assumed-role/irekae-ci-staging/run-7\\n'
    ;;
  's3api head-object')
    object=$WORLD/objects/newest
    if [ -e "$WORLD/objects/later" ] && [ "$now" -ge "$(<"$WORLD/objects/later-at")" ]; then object=$WORLD/objects/later; fi
    [ -e "$object" ] || refuse 'An error occurred (404) when calling the HeadObject operation: Not Found'
    case $query in
      '[VersionId,Metadata.sha256]') cat "$object" ;;
      VersionId) cut -f1 "$object" ;;
      *) unknown ;;
    esac
    ;;
  's3api put-object')
    sha256=$(value --metadata "$@")
    cp "$(value --body "$@")" "$WORLD/objects/body"
    printf 'uploaded-version\\t%s\\n' "\${sha256#sha256=}" >"$WORLD/objects/newest"
    echo uploaded-version
    ;;
  's3 cp')
    record=\${4#s3://*/irekae/}
    cat "$WORLD/records/\${record%/deployments/*}/\${record##*/}" 2>/dev/null ||
      refuse 'fatal error: An error occurred (404) when calling the HeadObject operation: Key does not exist'
    ;;
  'stepfunctions list-executions')
    machine=$(value --state-machine-arn "$@")
    machine=\${machine##*:}
    [ -e "$WORLD/executions/$machine" ] || [ -e "$WORLD/willstart/$machine" ] ||
      refuse 'An error occurred (StateMachineDoesNotExist) when calling the ListExecutions operation: State Machine Does Not Exist'
    for folder in $(ls -rd "$WORLD/executions/$machine"/*/ 2>/dev/null); do
      if [ "$now" -ge "$(<"$folder/starts")" ]; then printf '%s\\t%s\\n' "$(<"$folder/arn")" "$(status_of "$folder")"; fi
    done
    ;;
  'stepfunctions describe-execution')
    folder=$(folder_of "$(value --execution-arn "$@")")
    status=$(status_of "$folder")
    case $query in
      input) cat "$folder/input"; echo ;;
      cause) cat "$folder/cause"; echo ;;
      '[status,error]') printf '%s\\t%s\\n' "$status" "$([ "$status" = RUNNING ] && echo None || cat "$folder/error")" ;;
      *) unknown ;;
    esac
    ;;
  'stepfunctions get-execution-history')
    folder=$(folder_of "$(value --execution-arn "$@")")
    case $query in
      *SucceedStateEntered*) cat "$folder/ended_in"; echo ;;
      *TaskStateEntered*LambdaFunctionSucceeded*) printf '%s\\t%s\\n' "$(<"$folder/state")" "$(<"$folder/output")" ;;
      *) unknown ;;
    esac
    ;;
  'stepfunctions start-execution')
    machine=$(value --state-machine-arn "$@")
    machine=\${machine##*:}
    name=$(value --name "$@")
    for folder in "$WORLD/executions/$machine"/*/; do
      if [ -e "$folder/arn" ] && [[ $(<"$folder/arn") == *:"$name" ]]; then
        refuse 'An error occurred (ExecutionAlreadyExists) when calling the StartExecution operation: Execution Already Exists'
      fi
    done
    [ -e "$WORLD/willstart/$machine" ] ||
      refuse 'An error occurred (StateMachineDoesNotExist) when calling the StartExecution operation: State Machine Does Not Exist'
    folder=$WORLD/executions/$machine/9$(ls "$WORLD/executions/$machine" 2>/dev/null | wc -l)
    mkdir -p "$folder"
    cp "$WORLD/willstart/$machine"/* "$folder"
    printf 'arn:aws:states:${REGION}:${ACCOUNT}:execution:%s:%s' "$machine" "$name" >"$folder/arn"
    echo "$now" >"$folder/starts"
    echo $((now + 12)) >"$folder/ends"
    value --input "$@" >"$folder/input"
    echo None >"$folder/state"
    echo None >"$folder/output"
    ;;
  *) unknown ;;
esac
`;
