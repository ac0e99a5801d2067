#!/usr/bin/env bash
# Turns a tested candidate into an image that fleets find: a copy in the account and Region of the credentials, which has
# its name and the tag stage=released from creation. A later tag would be too late for anything that listens to EC2's
# event that an image is available.
#
#   release-image.sh ami-0123456789abcdef0 NAME [--from REGION] [--parameter SSM_PARAMETER]
#
#   --from REGION         the candidate's Region (default: that of the credentials)
#   --parameter NAME      writes the new image's id there too, for a fleet with image: { from: 'parameter' }
#
# Nothing is released that is not available: no parameter is written, and no fleet launches what is still being copied.
# What is not done in an hour goes on by itself: the same command joins that copy, and makes no second one.
#
# Prints the new image's id on standard output. Exit codes: 0 released, 1 not possible, 2 bad usage, 6 still being copied
# when the time is up, or when the credentials end.
set -euo pipefail
export AWS_PAGER=''

usage() {
  printf 'release-image.sh: %s\nUsage: release-image.sh ami-… NAME [--from REGION] [--parameter SSM_PARAMETER]\n' "$*" >&2
  exit 2
}

if [ $# -lt 2 ]; then usage 'the candidate or the name is missing.'; fi
candidate=$1 name=$2
shift 2
[[ $candidate =~ ^ami-[0-9a-f]{8,17}$ ]] || usage "\"$candidate\" is no image id."
[[ $name =~ ^[A-Za-z0-9._-]{3,128}$ ]] || usage "\"$name\" is no name: 3 to 128 letters, digits and . _ -"
from=${AWS_REGION:-} parameter=
while [ $# -gt 0 ]; do
  if [ $# -lt 2 ]; then usage "$1 needs a value."; fi
  case $1 in
    --from) from=$2 ;;
    --parameter) parameter=$2 ;;
    *) usage "there is no option $1." ;;
  esac
  shift 2
done
[ -n "$from" ] || usage 'no Region is known: set AWS_REGION, or give --from.'

tags="Tags=[{Key=Name,Value=$name},{Key=stage,Value=released},{Key=candidate,Value=$candidate}]"
# The client token makes a retried call copy nothing more. EC2 takes 64 characters, and names may have 128: a digest.
once=$(printf '%s %s' "$candidate" "$name" | sha256sum)
image=$(aws ec2 copy-image --source-image-id "$candidate" --source-region "$from" --name "$name" \
  --client-token "${once%% *}" --tag-specifications "ResourceType=image,$tags" "ResourceType=snapshot,$tags" \
  --query ImageId --output text) || {
  printf '%s was not copied, and nothing was released. It must be available itself, and shared with this account.\n' "$candidate" >&2
  exit 1
}
printf '%s is being copied to %s (%s)\n' "$candidate" "$image" "$name" >&2

goes_on() {
  printf '%s: it was not released, and is copied on. The same command, run again, joins that copy.\n' "$*" >&2
  exit 6
}

why=$(mktemp)
trap 'rm -f "$why"' EXIT
for _ in {1..120}; do
  if ! state=$(aws ec2 describe-images --image-ids "$image" --query 'Images[0].State' --output text 2>"$why"); then
    state=unknown
    case $(cat "$why") in
      *[Ee]xpired* | *[Cc]redentials* | *InvalidClientTokenId* | *UnrecognizedClient* | *AuthFailure*)
        cat "$why" >&2
        goes_on "the credentials have ended before $image was available"
        ;;
    esac
  fi
  case $state in
    pending | transient | unknown | None) sleep 30 ;;
    *) break ;;
  esac
done
case $state in
  available) ;;
  pending | transient | unknown) goes_on "$image is $state, not available, after an hour" ;;
  *)
    printf '%s is %s, not available: it was not released. Deregister it and try again under another name.\n' "$image" "$state" >&2
    exit 1
    ;;
esac
if [ -n "$parameter" ]; then
  aws ssm put-parameter --name "$parameter" --type String --data-type aws:ec2:image --overwrite --value "$image" >/dev/null
  printf 'the SSM parameter %s holds it now\n' "$parameter" >&2
fi
printf '%s\n' "$image"
