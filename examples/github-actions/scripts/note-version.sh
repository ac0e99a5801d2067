#!/usr/bin/env bash
# Records on the commit which version of the tarball staging has deployed for it, as the commit status "staging": the
# release pull request shows it, and production.yml promotes exactly this version.
set -euo pipefail

: "${VERSION:?}" "${GITHUB_REPOSITORY:?}" "${GITHUB_SHA:?}"
gh api "repos/$GITHUB_REPOSITORY/statuses/$GITHUB_SHA" --method POST --silent \
  --field state=success --field context=staging --raw-field "description=version $VERSION" \
  --raw-field "target_url=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
