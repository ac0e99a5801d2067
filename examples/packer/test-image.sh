#!/usr/bin/env bash
# Boots one instance from an image, lets check-image.sh check it from within, and reads the verdict from its console.
# The instance terminates itself, and is terminated in any case.
#
#   test-image.sh ami-0123456789abcdef0 SUBNET SECURITY_GROUP [INSTANCE_TYPE]
#
# The group lets nobody in and the instance nowhere: it needs no network but its metadata (the output ImageTestGroup).
# Exit codes: 0 the image is good, 1 it is not, or that could not be determined, 2 bad usage.
set -euo pipefail
export AWS_PAGER=''
here=$(dirname "${BASH_SOURCE[0]}")

if [ $# -lt 3 ] || ! [[ $1 =~ ^ami-[0-9a-f]{8,17}$ && $2 =~ ^subnet-[0-9a-f]{8,17}$ && $3 =~ ^sg-[0-9a-f]{8,17}$ ]]; then
  printf 'test-image.sh: give an image, a subnet and a security group: test-image.sh ami-… subnet-… sg-… [INSTANCE_TYPE]\n' >&2
  exit 2
fi
image=$1 subnet=$2 group=$3 type=${4:-t4g.small}
# CI's role may touch only what carries the second of these.
tags='Tags=[{Key=Name,Value=test of an image},{Key=image-build,Value=reactio}]'

instance=
# shellcheck disable=SC2329 # the trap calls it
finish() {
  if [ -n "$instance" ]; then
    aws ec2 terminate-instances --instance-ids "$instance" >/dev/null || printf 'Terminate %s by hand.\n' "$instance" >&2
  fi
}
trap finish EXIT

# No role, no key pair: it needs neither. The token makes a retried call launch nothing more.
instance=$(aws ec2 run-instances --image-id "$image" --instance-type "$type" --subnet-id "$subnet" --count 1 \
  --security-group-ids "$group" \
  --client-token "test-$image-$(date -u +%s)" --instance-initiated-shutdown-behavior terminate \
  --metadata-options HttpTokens=required,HttpEndpoint=enabled --user-data "file://$here/check-image.sh" \
  --tag-specifications "ResourceType=instance,$tags" "ResourceType=network-interface,$tags" "ResourceType=volume,$tags" \
  --query 'Instances[0].InstanceId' --output text)
printf '%s boots from %s\n' "$instance" "$image"

for _ in {1..40}; do
  sleep 15
  # The console as it is now; EC2's own copy of it lags by minutes.
  console=$(aws ec2 get-console-output --latest --instance-id "$instance" --query Output --output text 2>/dev/null) || continue
  verdict=$(printf '%s\n' "$console" | tr -d '\r' | sed -n 's/.*irekae-image: //p')
  case $verdict in
    *'VERDICT ok'*)
      printf '%s is good.\n' "$image"
      exit 0
      ;;
    *VERDICT*)
      printf '%s is not good:\n%s\n' "$image" "$(printf '%s\n' "$verdict" | sort -u | sed 's/^/  /')" >&2
      exit 1
      ;;
  esac
done
printf '%s has not given its verdict in 10 minutes. The end of its console:\n%s\n' "$instance" \
  "$(printf '%s\n' "${console:-nothing}" | tail -n 20)" >&2
exit 1
