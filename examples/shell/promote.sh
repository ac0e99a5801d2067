#!/usr/bin/env bash
# Promotes what staging runs to production's key, and follows the production deployments that this starts to their end.
# Run it with credentials of the production environment: production fetches, staging does not push.
#
#   scripts/promote.sh --to s3://PRODUCTION_BUCKET/KEY FLEET…
#
# The first fleet's promotion machine is started (irekae-FLEET-promote); then the deployments of all fleets named are
# followed. All of them are fed by this key.
#
#   --version ID        the version of staging's key to promote (default: what staging runs now)
#   --reason TEXT       why; kept in the records
#   --override GATES    provenance or soak, or both with a comma: needs --reason, is recorded, and credentials that may
#                       start irekae-FLEET-promote-override, which CI's may not
#   --started-by TEXT   who or what; kept in the records (default: the name of the credentials)
#   --name NAME         name of the promotion's execution; the same name is started once
#   --again             repeats a deployment that has ended, instead of saying how it ended
#   --timeout MINUTES   how long to follow all of it (default: 90); what was started continues after that
#
# Exit codes: 0 promoted and deployed, 1 not possible, or the promotion failed, 2 bad usage, 3 the deployment was refused
# or rolled back: the old hosts are serving, 4 halfway: a human is needed, 5 cancelled, 6 still running
# when the time is up, or when the credentials end.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=irekae.sh
. "$(dirname "${BASH_SOURCE[0]}")/irekae.sh"

override='' again=''
fleets=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) help; exit 0 ;;
    --again) again=again; shift ;;
    --to | --version | --reason | --override | --started-by | --name | --timeout)
      if [ $# -lt 2 ]; then problem "$1 needs a value."; break; fi
      case $1 in
        --to) to=$2 ;;
        --version) version=$2 ;;
        --reason) reason=$2 ;;
        --override) override=$2 ;;
        --started-by) started_by=$2 ;;
        --name) name=$2 ;;
        --timeout) timeout=$2 ;;
      esac
      shift 2
      ;;
    -*) problem "there is no option $1."; shift ;;
    *) fleets+=("$1"); shift ;;
  esac
done
check_options ${fleets[@]+"${fleets[@]}"}
if [ -z "$to" ]; then problem 'give --to s3://BUCKET/KEY, the key of the production fleets.'; fi
case $override in
  '' | provenance | soak | provenance,soak | soak,provenance) ;;
  *) problem "--override is given as \"$override\"; allowed are provenance, soak, or both with a comma." ;;
esac
if [ -n "$override" ] && [ -z "$reason" ]; then problem '--override requires --reason, which is recorded.'; fi
refuse_problems

identify
split_to "$to"
set_deadline "$timeout"
name=${name:-promote-sh-$(date -u +%Y%m%dT%H%M%SZ)-$$}
fleet=${fleets[0]}

input=$(input_of "$version")
if [ -n "$override" ]; then input="$input,\"override\":[\"${override//,/\",\"}\"]"; fi
if [ -n "$override" ]; then
  # Through the door for overrides, which CI may not start; its answer names the promotion.
  start_execution "irekae-$fleet-promote-override" "$name" "$input}"
  begun=yes
  door=$found found=None
  until [[ $found == *:execution:* ]]; do
    if ! in_time; then give_up "$door has started nothing; why is in its history."; fi
    sleep 2
    must_see 'say what the door has started' stepfunctions describe-execution --execution-arn "$door" --query output --output text
    found=${answer#*'"ExecutionArn":"'} found=${found%%'"'*}
  done
else
  start_execution "irekae-$fleet-promote" "$name" "$input}"
  begun=yes
fi
if ! follow "$fleet" "$found"; then
  conclude "$fleet" 'still promoting' 'not followed any longer: the time is up; it continues'
  exit "$TIMED_OUT"
fi
if [ "$status" != SUCCEEDED ]; then
  conclude "$fleet" "not promoted ($error)" "$cause"
  exit "$FAILED" # no host was touched, whatever the error
fi
case $ended_in in
  Promoted | 'Already promoted') conclude "$fleet" "$ended_in" "s3://$bucket/$key" ;;
  *) conclude "$fleet" "$ended_in" 'this ending is not known here: look at the execution'; exit "$NEEDS_HUMAN" ;;
esac

# What was promoted, and not what is the newest by now: somebody may have uploaded another one since.
must_see 'say what was promoted' stepfunctions describe-execution --execution-arn "$found" --query output --output text
pattern='"promotedAs"[[:space:]]*:[[:space:]]*"([A-Za-z0-9._-]+)"'
[[ $answer =~ $pattern ]] || give_up "the promotion $(name_of "$found") does not say which version it made. Is the stack as new as this script?"
promoted=${BASH_REMATCH[1]}
deploy_all "$promoted" "$name" "$(input_of "$promoted")}" "$again" "${fleets[@]}"
