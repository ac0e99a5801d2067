#!/usr/bin/env bash
# Deploys a version of the application on one or more fleets of one key, and follows it to its end.
#
#   scripts/deploy.sh --upload app.tar.gz --to s3://BUCKET/KEY FLEET…   uploads; follows what the upload starts
#   scripts/deploy.sh --to s3://BUCKET/KEY FLEET…                       the newest version under the key
#   scripts/deploy.sh --version ID [--to s3://BUCKET/KEY] FLEET…        this version
#
#   --reason TEXT       why; kept in the record
#   --started-by TEXT   who or what; kept in the record (default: the name of the credentials)
#   --name NAME         name of an execution that has to be started; the same name is started once
#   --again             repeats a deployment of this version that has ended, instead of saying how it ended
#   --timeout MINUTES   how long to follow all of them (default: 90); the deployments go on after that
#
# A deployment of the version that runs already, or that its upload starts, is followed; only where there is none, one
# is started. Fleets are followed one after another; after one that failed, the rest is not.
#
# Exit codes: 0 deployed (or already deployed, or superseded by a newer upload), 1 not possible, 2 bad usage,
# 3 rolled back or refused: the old hosts are serving, 4 halfway: a human is needed, 5 cancelled, 6 still running
# when the time is up, or when the credentials end.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source-path=SCRIPTDIR source=irekae.sh
. "$here/irekae.sh"

upload='' again=''
fleets=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) help; exit 0 ;;
    --again) again=again; shift ;;
    --upload | --to | --version | --reason | --started-by | --name | --timeout)
      if [ $# -lt 2 ]; then problem "$1 needs a value."; break; fi
      case $1 in
        --upload) upload=$2 ;;
        --to) to=$2 ;;
        --version) version=$2 ;;
        --reason) reason=$2 ;;
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
if [ -n "$upload" ] && [ -n "$version" ]; then problem 'give --upload or --version, not both.'; fi
if [ -z "$to" ] && [ -z "$version" ]; then problem 'give --to s3://BUCKET/KEY, or --version.'; fi
refuse_problems

identify
split_to "$to"
if [ -n "$upload" ]; then
  version=$("$here/upload.sh" "$upload" "$to") || exit
  begun=yes
elif [ -z "$version" ]; then
  look_at_newest
  if [ -z "$newest" ]; then give_up "$to does not exist. Upload the tarball: deploy.sh --upload FILE --to $to …"; fi
  version=$newest
fi
set_deadline "$timeout"
deploy_all "$version" "${name:-deploy-sh-$(date -u +%Y%m%dT%H%M%SZ)-$$}" "$(input_of "$version")}" "$again" "${fleets[@]}"
