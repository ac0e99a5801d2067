#!/usr/bin/env bash
# Uploads a tarball to a fleet's key, with its checksum. The upload starts the deployments of the fleets of this key.
#
#   scripts/upload.sh app.tar.gz s3://irekae-staging-111111111111-ap-northeast-1/reactio/app.tar.gz
#
# Prints the S3 version id, and that alone, on standard output. When the newest version has these very bytes already,
# nothing is uploaded and that version's id is printed: a repeated CI step deploys nothing twice.
#
# S3 asks for 15 minutes between enabling a bucket's versions and the first upload: until then it may not show what was
# uploaded, nor tell of it. Into a bucket of a stack that is younger, this uploads when they are over, and says so.
#
# Exit codes: 0 done, 1 not possible, 2 bad usage.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=irekae.sh
. "$(dirname "${BASH_SOURCE[0]}")/irekae.sh"

case ${1:-} in -h | --help) help; exit 0 ;; esac
if [ $# -ne 2 ]; then
  problem 'give the tarball and where it goes: upload.sh FILE s3://BUCKET/KEY'
else
  check_to "$2"
  if [ ! -s "$1" ]; then problem "there is no file \"$1\", or it is empty. Pack the application first: scripts/pack.sh"; fi
fi
refuse_problems

file=$1
split_to "$2"
size=$(wc -c <"$file" | tr -d ' ')
# Larger objects need a multipart upload, which does not answer with the version's id before it is over.
if [ "$size" -gt 5000000000 ]; then give_up "$file has $size bytes; S3 accepts 5 GB in one request."; fi
if command -v sha256sum >/dev/null; then sum=$(sha256sum <"$file"); else sum=$(shasum -a 256 <"$file"); fi
sha256=${sum%% *}

identify
look_at_newest
if [ "$newest_sha256" = "$sha256" ]; then
  say "$2 already has these bytes: version $newest; not uploaded again"
  printf '%s\n' "$newest"
  exit
fi
wait_for_new_bucket
# In one request, because only that answers with the version's id.
must_ask "take the upload to $2" s3api put-object --bucket "$bucket" --key "$key" --body "$file" \
  --checksum-algorithm SHA256 --metadata "sha256=$sha256" --content-type application/gzip --query VersionId --output text
case $answer in '' | None | null) give_up "s3://$bucket keeps no versions: enable versioning, then upload again." ;; esac
say "uploaded $file ($size bytes, SHA-256 $sha256) as version $answer of $2"
printf '%s\n' "$answer"
