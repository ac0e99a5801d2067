#!/usr/bin/env bash
# Prints the S3 version id (in staging's bucket) that staging ran for the commit which the release pull request brought
# to production, however it was merged. Without such a version nothing is promoted.
set -euo pipefail

: "${GITHUB_REPOSITORY:?}" "${GITHUB_SHA:?}"
fail() { printf 'Nothing was promoted: %s\n' "$*" >&2; exit 1; }

head=$(gh api "repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/pulls" \
  --jq '[.[] | select(.base.ref == "production" and .merged_at != null)][0].head.sha // empty')
if [ -z "$head" ]; then fail "no merged pull request to production brought the commit $GITHUB_SHA."; fi
note=$(gh api "repos/$GITHUB_REPOSITORY/commits/$head/status" \
  --jq '[.statuses[] | select(.context == "staging" and .state == "success")][0].description // empty')
if ! [[ $note =~ ^version\ ([A-Za-z0-9._-]+)$ ]]; then
  fail "staging has not deployed $head. See the workflow \"staging\" of that commit; when it is green, run this one again."
fi
printf '%s\n' "${BASH_REMATCH[1]}"
