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
# Prints the new image's id on standard output. Exit codes: 0 released, 1 not possible, 2 bad usage.
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
# The token makes a retried call copy nothing more.
image=$(aws ec2 copy-image --source-image-id "$candidate" --source-region "$from" --name "$name" \
  --client-token "$candidate-$name" --tag-specifications "ResourceType=image,$tags" "ResourceType=snapshot,$tags" \
  --query ImageId --output text)
printf '%s is being copied to %s (%s)\n' "$candidate" "$image" "$name" >&2

state=pending
for _ in {1..120}; do
  state=$(aws ec2 describe-images --image-ids "$image" --query 'Images[0].State' --output text 2>/dev/null) || state=pending
  case $state in
    available) break ;;
    pending | transient | None) sleep 30 ;;
    *) break ;;
  esac
done
if [ "$state" != available ]; then
  printf '%s is %s, not available: it was not released. Deregister it and try again.\n' "$image" "$state" >&2
  exit 1
fi
if [ -n "$parameter" ]; then
  aws ssm put-parameter --name "$parameter" --type String --data-type aws:ec2:image --overwrite --value "$image" >/dev/null
  printf 'the SSM parameter %s holds it now\n' "$parameter" >&2
fi
printf '%s\n' "$image"
