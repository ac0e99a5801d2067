#!/usr/bin/env bash
# What the action `irekae` runs: the command of the clone in $CLONE, or the scripts of this repository where there is
# none. Both take the same inputs and return the same exit codes. Everything comes in environment variables, so that
# no name of a commit or a branch can run in a shell.
set -euo pipefail

: "${DO:?}" "${TO:?}" "${FLEETS:?}"
read -ra fleets <<<"$FLEETS"
about=()
if [ -n "${REASON:-}" ]; then about+=(--reason "$REASON"); fi

run_scripts() {
  local options=(--to "$TO" --name "ci-$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT")
  if [ -n "${VERSION:-}" ]; then options+=(--version "$VERSION"); fi
  if [ "${AGAIN:-}" = true ]; then options+=(--again); fi
  case $DO in
    deploy) scripts/deploy.sh "${options[@]}" ${about[@]+"${about[@]}"} "${fleets[@]}" ;;
    promote) scripts/promote.sh "${options[@]}" ${about[@]+"${about[@]}"} "${fleets[@]}" ;;
    *)
      printf 'do is given as "%s"; allowed are deploy and promote.\n' "$DO" >&2
      return 2
      ;;
  esac
}

said=$(mktemp)
trap 'rm -f "$said"' EXIT

# The command's lines go to the log as they come, and to the run's page: indented, as text that nothing in it can end.
# Its exit code is the pipe's: pipefail.
irekae() {
  local code=0
  printf '### irekae %s %s\n\n' "$1" "$2" >>"$GITHUB_STEP_SUMMARY"
  (cd "$CLONE" && npx --no -- irekae "$@" --wait) 2>&1 | awk '
    { gsub(/\r/, " "); print; fflush(); print "    " $0 >> page; fflush(page); print >> said }' \
    page="$GITHUB_STEP_SUMMARY" said="$said" || code=$?
  printf '\n' >>"$GITHUB_STEP_SUMMARY"
  return "$code"
}

# What this job holds is shown nowhere: each line of it, as it is, and in the forms in which a request or an error has it.
mask_secrets() {
  local name line form
  for name in AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN MACKEREL_APIKEY GH_TOKEN GITHUB_TOKEN; do
    while IFS= read -r line; do
      if [ "${#line}" -lt 8 ]; then continue; fi
      for form in "$line" "$(printf %s "$line" | base64 | tr -d '\n=')" "$(url_form "$line")"; do
        printf '::add-mask::%s\n' "${form//%/%25}"
      done
    done <<<"${!name:-}"
  done
}

url_form() { # TEXT
  local text=${1//%/%25}
  text=${text//+/%2B}
  text=${text//\//%2F}
  printf %s "${text//=/%3D}"
}

# In production's bucket the same bytes have an id of their own. What is the newest by now may be somebody else's.
promoted_version() {
  local version
  version=$(sed -n '/^Promoted as version /{s/^Promoted as version \([A-Za-z0-9._-]*\) of .*/\1/;p;q;}' "$said")
  if [ -z "$version" ]; then
    echo 'The command did not say which version was promoted. Is the clone as new as this action?' >&2
    return 1
  fi
  printf %s "$version"
}

run_command() {
  local version=() token=(--token "ci-$GITHUB_RUN_ID-$GITHUB_RUN_ATTEMPT") fleet promoted
  if [ -n "${VERSION:-}" ]; then version=(--version "$VERSION"); fi
  case $DO in
    deploy) ;;
    promote) # and deploys the first fleet
      irekae promote "${fleets[0]}" ${version[@]+"${version[@]}"} ${about[@]+"${about[@]}"} "${token[@]}" || return
      promoted=$(promoted_version) || return
      version=(--version "$promoted")
      fleets=("${fleets[@]:1}")
      ;;
    *)
      printf 'do is given as "%s"; allowed are deploy and promote.\n' "$DO" >&2
      return 2
      ;;
  esac
  # One after another; what comes after one that failed is not followed, since it may wait for that one.
  for fleet in ${fleets[@]+"${fleets[@]}"}; do
    irekae deploy "$fleet" ${version[@]+"${version[@]}"} ${about[@]+"${about[@]}"} "${token[@]}" || return
  done
}

# From here on no line is a command to the runner, whatever a cause or a name says.
mask_secrets
no_commands=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
printf '::stop-commands::%s\n' "$no_commands"
code=0
if [ -n "${CLONE:-}" ]; then run_command || code=$?; else run_scripts || code=$?; fi
printf '::%s::\n' "$no_commands"
exit "$code"
