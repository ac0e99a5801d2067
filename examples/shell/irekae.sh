# shellcheck shell=bash
# What upload.sh, deploy.sh and promote.sh have in common: asking AWS, finding and following executions, saying how they
# ended. Sourced, not run. Needs bash 3.2 or newer and the AWS CLI (1 or 2), and nothing else.

# Exit codes, those of the command `irekae deploy --wait`.
readonly FAILED=1 BAD_USAGE=2 REFUSED=3 NEEDS_HUMAN=4 CANCELLED=5 TIMED_OUT=6

readonly LOOK_EVERY=5           # seconds; Step Functions allows an account a few looks a second
readonly LOOK_SELDOM=30         # seconds, at what takes minutes
readonly EVENT_TAKES=60         # seconds that an upload's event may take to start a deployment
readonly BUCKET_SETTLES=900     # seconds that S3 asks for, before a new bucket is written to
readonly RECORD_TAKES=1200      # seconds that the clean-up of a stopped deployment may take
export AWS_PAGER='' # AWS CLI 2 would wait for someone to press q

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
following=
trap 'interrupted' INT TERM

now() { date -u +%s; }
say() { printf '%s  %s\n' "$(date -u +%H:%M:%S)" "$(shown "$*")" >&2; }
complain() { printf '%s: %s\n' "${0##*/}" "$(shown "$*")" >&2; }

# Characters, and not bytes, also where the locale is C: all bytes of UTF-8 but those that continue a character.
characters() { # TEXT: how many
  local LC_ALL=C
  local starts=${1//[$'\x80'-$'\xbf']/}
  printf %s "${#starts}"
}

beginning_of() { # TEXT MOST: at most so many characters of it
  local LC_ALL=C
  local at=0 count=0
  if [ "${#1}" -gt "$2" ]; then
    for ((; at < ${#1}; at += 1)); do
      case ${1:at:1} in [$'\x80'-$'\xbf']) ;; *) count=$((count + 1)) ;; esac
      if [ "$count" -gt "$2" ]; then break; fi
    done
  else
    at=${#1}
  fi
  printf %s "${1:0:at}"
}

# How everything that comes from outside is shown: on one line, without what moves a cursor, ends a line, turns the order
# of letters, is not seen, or is a command to GitHub's runner. By bytes, since no locale is sure to be there.
shown() { # TEXT
  beginning_of "$1" 2000 | LC_ALL=C tr '\000-\037\177' ' ' | LC_ALL=C sed "$UNSEEN"
}
readonly UNSEEN=$'s/\xc2[\x80-\x9f\xad]/?/g
s/\xd8\x9c/?/g
s/\xcd\x8f/?/g
s/\xe1\x85[\x9f\xa0]/?/g
s/\xe1\xa0\x8e/?/g
s/\xe2\x80[\x8b-\x8f\xa8-\xae]/?/g
s/\xe2\x81[\xa0-\xaf]/?/g
s/\xe2\x83[\x90-\xbf]/?/g
s/\xe2\xa0\x80/?/g
s/\xe3\x85\xa4/?/g
s/\xef\xbb\xbf/?/g
s/\xef\xbe\xa0/?/g
s/\xef\xbf[\xb9-\xbb]/?/g
s/\xf3\xa0[\x80\x81][\x80-\xbf]/?/g
s/\([^[:alnum:]\x80-\xff]\)\([\xcc\xcd][\x80-\xbf]\)\{1,\}/\\1/g
s/^\([\xcc\xcd][\x80-\xbf]\)*//
s/\(\([\xcc\xcd][\x80-\xbf]\)\{3\}\)\([\xcc\xcd][\x80-\xbf]\)*/\\1/g
s/##\\[/#[/g'
give_up() { complain "$@"; exit "$FAILED"; }

interrupted() {
  if [ -n "$following" ]; then
    complain "not followed any longer. The deployment of $following continues; to cancel it, in your clone of irekae: npx --no -- irekae cancel $following"
  fi
  exit 130
}

# -- The arguments: all problems at once --

problems=0
problem() { complain "$@"; problems=$((problems + 1)); }

refuse_problems() {
  [ "$problems" -eq 0 ] && return
  complain "Nothing was changed. See: ${0##*/} --help"
  exit "$BAD_USAGE"
}

# The comment at the top of the script is its help.
help() { awk 'NR == 1 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$0"; }

matches() { [[ $1 =~ $2 ]]; } # TEXT PATTERN

check_to() { # s3://BUCKET/KEY
  matches "$1" '^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[A-Za-z0-9._/-]+$' ||
    problem "the key is given as \"$1\"; it must be s3://BUCKET/KEY."
}

# The options that deploy.sh and promote.sh have in common.
to='' version='' reason='' started_by='' name='' timeout=90

# Those, and the fleets, which are the arguments.
check_options() {
  local fleet
  if [ -n "$to" ]; then check_to "$to"; fi
  if [ -n "$version" ] && ! matches "$version" '^[A-Za-z0-9._-]{1,1024}$'; then
    problem "--version is given as \"$version\"; it must be an S3 version id."
  fi
  check_length --reason "$reason" 256
  check_length --started-by "$started_by" 128
  if [ -n "$name" ] && ! matches "$name" '^[A-Za-z0-9_-]{1,80}$'; then
    problem "--name is given as \"$name\"; it must be letters, digits, - and _, at most 80."
  fi
  matches "$timeout" '^[1-9][0-9]{0,3}$' ||
    problem "--timeout is given as \"$timeout\"; it must be minutes, from 1 to 9999."
  if [ $# -eq 0 ]; then problem 'no fleet is named.'; fi
  for fleet; do
    matches "$fleet" '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' ||
      problem "\"$fleet\" is not the name of a fleet: letters, digits, - and _, at most 64."
  done
}

check_length() { # OPTION TEXT MOST
  local count
  count=$(characters "$2")
  if [ "$count" -gt "$3" ]; then problem "$1 has $count characters; at most $3 are kept."; fi
}

# What an execution is started with: the fields that every input has. The closing brace is the caller's.
input_of() { # VERSION
  printf '{"startedBy":%s' "$(json_text "${started_by:-${caller##*/}}")"
  if [ -n "$1" ]; then printf ',"versionId":%s' "$(json_text "$1")"; fi
  if [ -n "$reason" ]; then printf ',"reason":%s' "$(json_text "$reason")"; fi
}

json_text() { # TEXT: as a JSON string
  local text=${1//[[:cntrl:]]/ }
  text=${text//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# -- Calling AWS --

# Retries where it may help. The answer is in $answer, AWS's message about a failure in $why.
ask() {
  local try
  for try in 1 2 3 4 5; do
    if answer=$(aws "$@" 2>"$work/why"); then return 0; fi
    why=$(grep -v '^[[:space:]]*$' "$work/why" | tail -n 1)
    case $why in
      *AccessDenied* | *SignatureDoesNotMatch* | *DoesNotExist* | *AlreadyExists* | *InvalidArn* | *Validation*) break ;;
      *NoSuch* | *'(404)'* | *'(403)'* | *InvalidName* | *InvalidExecutionInput* | *Invalid\ choice*) break ;;
    esac
    if credentials_ended; then break; fi
    [ "$try" -eq 5 ] || sleep $((try * 2))
  done
  return 1
}

must_ask() { # WHAT-FOR ARGUMENTS…
  local what=$1
  shift
  ask "$@" || give_up "AWS did not $what: ${why:-no reason was given}"
}

# Is it over with these credentials? A role that was taken through another gives an hour, and no more.
credentials_ended() {
  case $why in
    *[Ee]xpired* | *[Cc]redentials* | *InvalidClientTokenId* | *UnrecognizedClient*) return 0 ;;
  esac
  return 1
}

# Something was started, by us or by our upload: it goes on, whatever becomes of who looks.
begun=
must_see() { # WHAT-FOR ARGUMENTS…
  local what=$1
  shift
  ask "$@" || lose_sight "$what"
}

lose_sight() { # WHAT-FOR
  if [ -z "$begun" ] || { [ -z "${found:-}" ] && ! credentials_ended; }; then
    give_up "AWS did not $1: ${why:-no reason was given}"
  fi
  complain "AWS did not $1: ${why:-no reason was given}"
  if credentials_ended; then complain 'The credentials have ended. Get new ones, then run the same command again: it joins what runs.'; fi
  conclude "${following:-${fleets[0]}}" 'not followed any longer' "$(goes_on)"
  exit "$TIMED_OUT"
}

goes_on() {
  if [ -z "$following" ]; then
    printf 'what was started goes on: look at it in the console'
  else
    printf 'the deployment goes on; to cancel it, in your clone of irekae: npx --no -- irekae cancel %s' "$following"
  fi
}

# Account, partition and Region of the credentials: what ARNs are made of.
identify() {
  region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}
  if [ -z "$region" ]; then problem 'no Region is known: set AWS_REGION to that of the environment.'; refuse_problems; fi
  export AWS_DEFAULT_REGION=$region # AWS CLI 1 does not read AWS_REGION
  must_ask 'say whose credentials these are' sts get-caller-identity --query '[Account,Arn]' --output text
  account=${answer%%$'\t'*}
  caller=${answer#*$'\t'}
  local partition=${caller#arn:}
  states=arn:${partition%%:*}:states:$region:$account
}

split_to() { # s3://BUCKET/KEY: $bucket and $key; both empty without it
  local path=${1#s3://}
  bucket=${path%%/*} key=${path#*/}
}

hex_of() { printf %s "$1" | base64 -d 2>/dev/null | od -An -tx1 | tr -d ' \n'; } # BASE64

# The newest version under the key: $newest, and its $newest_sha256 as S3 has computed it; both empty when there is none.
# What its metadata claims is no reason to upload nothing: whoever may write the key may claim anything.
# shellcheck disable=SC2034 # upload.sh reads the checksum
look_at_newest() {
  newest='' newest_sha256=''
  if ask s3api head-object --bucket "$bucket" --key "$key" --checksum-mode ENABLED \
    --query '[VersionId,ChecksumSHA256]' --output text; then
    newest=${answer%%$'\t'*} newest_sha256=$(hex_of "${answer#*$'\t'}")
    case $newest in '' | None | null) give_up "s3://$bucket keeps no versions: enable versioning." ;; esac
    return
  fi
  case $why in
    *'(404)'* | *NoSuchKey*) ;;
    *) lose_sight "return what is at s3://$bucket/$key" ;;
  esac
}

# The bucket is as old as the stack that made it, which CI may look at; of a bucket of another name nothing is known.
wait_for_new_bucket() {
  local stack=${bucket%"-$account-$region"} age
  if [ "$stack" = "$bucket" ]; then return; fi
  ask cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].CreationTime' --output text || return 0
  matches "$answer" '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}' || return 0
  age=$(($(now) - $(epoch_of "$answer")))
  if [ "$age" -lt 0 ] || [ "$age" -ge "$BUCKET_SETTLES" ]; then return 0; fi
  say "s3://$bucket is new: S3 asks for 15 minutes before the first upload. Uploading in $((BUCKET_SETTLES - age)) s."
  sleep $((BUCKET_SETTLES - age))
}

# 2026-11-22T03:00:00…, in UTC: as seconds. There is no one `date` for it; by the days of years that begin in March.
epoch_of() { # TIME
  local year=$((10#${1:0:4})) month=$((10#${1:5:2})) day=$((10#${1:8:2})) days
  if [ "$month" -le 2 ]; then month=$((month + 12)) year=$((year - 1)); fi
  days=$((365 * year + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day - 719469))
  printf %s $((days * 86400 + 10#${1:11:2} * 3600 + 10#${1:14:2} * 60 + 10#${1:17:2}))
}

# -- Executions --

set_deadline() { deadline=$(($(now) + $1 * 60)); } # MINUTES
in_time() { [ "$(now)" -lt "$deadline" ]; }
name_of() { printf %s "${1##*:}"; }

console_link() { # ARN
  local console=console.aws.amazon.com
  case $1 in
    arn:aws-cn:*) console=console.amazonaws.cn ;;
    arn:aws-us-gov:*) console=console.amazonaws-us-gov.com ;;
    arn:aws-eusc:*) console=console.amazonaws-eusc.eu ;;
  esac
  printf 'https://%s.%s/states/home?region=%s#/v2/executions/details/%s' "$region" "$console" "$region" "$1"
}

# The newest execution of a machine for an artifact version that was not looked at yet: its ARN in $found, or nothing.
# Executions of other versions are remembered in $seen, so that each execution's input is read only once.
seen=' '
find_execution() { # MACHINE VERSION ["running"]
  local arn status
  found=
  ask stepfunctions list-executions --state-machine-arn "$states:stateMachine:$1" --max-results 20 \
    --query 'executions[].[executionArn,status]' --output text || refuse_machine "$1"
  printf '%s\n' "$answer" >"$work/executions"
  while IFS=$'\t' read -r arn status; do
    case $arn in arn:*) ;; *) continue ;; esac
    case $seen in *" $arn "*) continue ;; esac
    must_see "say what $(name_of "$arn") deploys" stepfunctions describe-execution --execution-arn "$arn" \
      --query input --output text
    case ${answer//[[:space:]]/} in
      *"\"versionId\":\"$2\""*)
        if [ "${3:-}" != running ] || [ "$status" = RUNNING ]; then found=$arn; return; fi
        ;;
    esac
    seen="$seen$arn "
  done <"$work/executions"
}

refuse_machine() { # MACHINE
  case $why in
    *StateMachineDoesNotExist*)
      complain "account $account has no state machine $1 in $region."
      give_up 'Is the fleet named right, are the credentials and the Region those of its environment, is its stack deployed?'
      ;;
  esac
  lose_sight "list the executions of $1"
}

# Starts an execution; $found is its ARN. The name makes it start once, however often a CI step is run.
start_execution() { # MACHINE NAME INPUT
  found=$states:execution:$1:$2
  ask stepfunctions start-execution --state-machine-arn "$states:stateMachine:$1" --name "$2" --input "$3" && return
  case $why in
    *ExecutionAlreadyExists*) say "$2 was started before; following that one" ;;
    *StateMachineDoesNotExist*) refuse_machine "$1" ;;
    *) give_up "AWS did not start $1: $why" ;;
  esac
}

# The first "reason" of a step's answer.
reason_in() { # JSON
  local pattern='"reason"[[:space:]]*:[[:space:]]*"(([^"\\]|\\.)*)"' text
  [[ $1 =~ $pattern ]] || return 0
  text=${BASH_REMATCH[1]//\\\"/\"}
  printf %s "${text//\\\\/\\}"
}

shown=
tell_progress() { # WHO ARN: what the newest step says, if that is new. Progress is optional: no error ends the wait.
  local state output
  answer=$(aws stepfunctions get-execution-history --execution-arn "$2" --reverse-order --max-results 30 --query \
    "[events[?type=='TaskStateEntered'].stateEnteredEventDetails.name | [0], events[?type=='LambdaFunctionSucceeded'].lambdaFunctionSucceededEventDetails.output | [0]]" \
    --output text 2>/dev/null) || return 0
  state=${answer%%$'\t'*} output=$(reason_in "${answer#*$'\t'}")
  case $state in '' | None) return 0 ;; esac
  if [ "$state: $output" = "$shown" ]; then return 0; fi
  shown="$state: $output"
  say "$1  $state${output:+  ($output)}"
}

# Follows an execution to its end: $status, $error, $cause, and for a success the state that it $ended_in.
follow() { # WHO ARN; answers 1 when the time is up
  say "$1  following $(name_of "$2")"
  say "$1  $(console_link "$2")"
  shown=
  while :; do
    must_see "say how $(name_of "$2") is" stepfunctions describe-execution --execution-arn "$2" \
      --query '[status,error]' --output text
    status=${answer%%$'\t'*} error=${answer#*$'\t'}
    if [ "$status" != RUNNING ]; then break; fi
    tell_progress "$1" "$2"
    in_time || return 1
    sleep "$LOOK_EVERY"
  done
  cause='' ended_in=''
  if [ "$status" = SUCCEEDED ]; then
    must_see "say how $(name_of "$2") ended" stepfunctions get-execution-history --execution-arn "$2" --reverse-order \
      --max-results 10 --query "events[?type=='SucceedStateEntered'].stateEnteredEventDetails.name | [0]" --output text
    ended_in=$answer
  else
    must_see "say why $(name_of "$2") failed" stepfunctions describe-execution --execution-arn "$2" --query cause --output text
    cause=${answer//[[:cntrl:]]/ }
  fi
}

# The exit code of an ending. Under any name that is not among these it was refused: nothing was changed.
code_of() { # ERROR
  case $1 in
    Cancelled) printf %s "$CANCELLED" ;;
    RollbackFailed | StoppedHalfway | LockLost) printf %s "$NEEDS_HUMAN" ;;
    '' | None | States.* | Lambda.*) printf %s "$NEEDS_HUMAN" ;;
    *) printf %s "$REFUSED" ;;
  esac
}

# -- The summary: on the run's page where CI has one --

as_text() { shown "$1" | LC_ALL=C sed 's/[][\\|<>`*_!&#~]/\\&/g'; } # TEXT: as Markdown that shows it, no image, no link

conclude() { # WHO RESULT DETAIL
  local detail
  detail=$(shown "$3")
  printf '%s: %s%s\n' "$1" "$(shown "$2")" "${detail:+: $detail}"
  if [ -z "${GITHUB_STEP_SUMMARY:-}" ]; then return; fi
  [ -s "$GITHUB_STEP_SUMMARY" ] || printf '| fleet | result | what happened |\n| --- | --- | --- |\n' >>"$GITHUB_STEP_SUMMARY"
  printf '| %s | **%s** | %s |\n' "$1" "$(as_text "$2")" "$(as_text "$detail")" >>"$GITHUB_STEP_SUMMARY"
}

# -- One fleet's deployment of one version, to its end --

# Answers with the exit code. With "again", a deployment of this version that has ended is not followed but repeated.
deploy_version() { # FLEET VERSION NAME INPUT ["again"]
  local fleet=$1 version=$2 machine=irekae-$1 since
  following=$fleet
  since=$(now)
  find_execution "$machine" "$version" "${5:+running}"
  if [ -z "$found" ] && [ -z "${5:-}" ]; then
    say "$fleet  waiting for the deployment of version $version, which its upload starts"
    while [ -z "$found" ] && [ $(($(now) - since)) -lt "$EVENT_TAKES" ]; do
      sleep "$LOOK_EVERY"
      find_execution "$machine" "$version"
    done
  fi
  if [ -z "$found" ]; then
    say "$fleet  nothing deploys version $version: starting it"
    start_execution "$machine" "$3" "$4"
  fi
  begun=yes
  follow_deployment "$fleet" "$version" "$found"
}

follow_deployment() { # FLEET VERSION ARN
  local fleet=$1 version=$2 arn=$3
  if ! follow "$fleet" "$arn"; then
    conclude "$fleet" 'still running' "not followed any longer: the time is up; $(goes_on)"
    return "$TIMED_OUT"
  fi
  case $status in
    SUCCEEDED) after_success "$fleet" "$version" "$arn" ;;
    FAILED)
      conclude "$fleet" "$error" "$cause"
      return "$(code_of "$error")"
      ;;
    *) after_stop "$fleet" "$arn" ;;
  esac
}

after_success() { # FLEET VERSION ARN
  case $ended_in in
    Deployed) conclude "$1" Deployed "version ${2:-that was the newest}" ;;
    'Already deployed') conclude "$1" "$ended_in" "the fleet already runs version ${2:-that is the newest}" ;;
    'Nothing to redeploy') conclude "$1" "$ended_in" 'the fleet runs on the newest image already, or runs nothing' ;;
    'Superseded by what waits') conclude "$1" Superseded 'a newer request is already waiting: that one is deployed next' ;;
    Superseded) conclude "$1" "$ended_in" "a newer version is there: that one is deployed instead" ;;
    Told) conclude "$1" "$ended_in" 'the deployment that waits for a person was told' ;;
    'Waiting for its turn') wait_for_turn "$1" "$2" "$3" ;;
    *)
      conclude "$1" "${ended_in:-unknown}" 'this ending is not known here: look at the execution'
      return "$NEEDS_HUMAN"
      ;;
  esac
}

# Another deployment held the lock. When it has ended, the waiting request is started as a new execution.
wait_for_turn() { # FLEET VERSION ARN
  local was_newest=
  if [ -z "$2" ]; then
    conclude "$1" 'Waiting for its turn' 'another deployment is running; this one starts after it'
    return 0
  fi
  say "$1  another deployment is running; version $2 is waiting for its turn"
  seen="$seen$3 "
  if [ -n "$bucket" ]; then look_at_newest; [ "$newest" = "$2" ] && was_newest=yes; fi
  while in_time; do
    sleep "$LOOK_SELDOM"
    find_execution "irekae-$1" "$2"
    if [ -n "$found" ]; then follow_deployment "$1" "$2" "$found"; return; fi
    if [ -n "$was_newest" ]; then
      look_at_newest
      if [ "$newest" != "$2" ]; then
        conclude "$1" Superseded "version $newest was uploaded meanwhile: that one is deployed instead"
        return 0
      fi
    fi
  done
  conclude "$1" 'still waiting' "version $2 is waiting for its turn; not followed any longer: the time is up"
  return "$TIMED_OUT"
}

# Stopped from outside, or timed out: the clean-up undoes or finishes it, and its record says which.
after_stop() { # FLEET ARN
  local name record until outcome pattern='"outcome"[[:space:]]*:[[:space:]]*"([A-Za-z]+)"'
  name=$(name_of "$2")
  if [ -z "$bucket" ]; then
    conclude "$1" "$status" 'the clean-up undoes or finishes it; without --to its record cannot be read here'
    return "$NEEDS_HUMAN"
  fi
  say "$1  $name was stopped ($status); the clean-up undoes or finishes it"
  until=$(($(now) + RECORD_TAKES))
  record=s3://$bucket/irekae/$1/deployments/$name.json
  while in_time && [ "$(now)" -lt "$until" ]; do
    if answer=$(aws s3 cp --quiet "$record" - 2>"$work/why") && [[ $answer =~ $pattern ]]; then
      outcome=${BASH_REMATCH[1]}
      conclude "$1" "$outcome" "the execution was stopped ($status); $(reason_in "$answer")"
      if [ "$outcome" = Deployed ]; then return 0; fi
      return "$(code_of "$outcome")"
    fi
    why=$(cat "$work/why")
    if credentials_ended; then lose_sight "say what the clean-up made of $name"; fi
    sleep "$LOOK_SELDOM"
  done
  conclude "$1" "$status" "the clean-up has written no record yet: look at the executions of irekae-$1-clean-up"
  return "$NEEDS_HUMAN"
}

# The fleets one after another; what comes after one that failed is not followed, since it may wait for that one.
deploy_all() { # VERSION NAME INPUT AGAIN FLEET…
  local version=$1 name=$2 input=$3 again=$4 code=0
  shift 4
  while [ $# -gt 0 ]; do
    seen=' '
    deploy_version "$1" "$version" "$name" "$input" "$again" || code=$?
    following=
    shift
    if [ "$code" -ne 0 ]; then
      if [ $# -gt 0 ]; then say "not followed: $*"; fi
      return "$code"
    fi
  done
}
