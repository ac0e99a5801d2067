#!/usr/bin/env bash
# Opens the release pull request from $HEAD to $BASE, or updates the one that is open, with the list of changes: a line
# for each pull request that was merged since the last release, and for each commit that was pushed without one.
set -euo pipefail

: "${BASE:?}" "${HEAD:?}"
readonly MOST=200 LONGEST=300 # lines, and characters of one: GitHub accepts 65,536 characters

# By the bytes of UTF-8 and not by the locale, which may be C: a character is one that does not continue another, and
# what continues it.
cut_lines() { LC_ALL=C awk -v most="$LONGEST" '
  {
    text = $0; kept = ""
    for (count = 0; count < most && match(text, /^.[\200-\277]*/); count += 1) {
      kept = kept substr(text, 1, RLENGTH); text = substr(text, RLENGTH + 1)
    }
    print kept (text == "" ? "" : "…")
  }'; }

changes() {
  local commit subject body
  git log --first-parent --format='%h' "origin/$BASE..origin/$HEAD" | while read -r commit; do
    subject=$(git log -1 --format=%s "$commit")
    body=$(git log -1 --format=%b "$commit" | sed -n '/./{p;q;}')
    if [[ $subject =~ ^Merge\ pull\ request\ \#([0-9]+) ]]; then
      printf -- '- %s (#%s)\n' "${body:-$subject}" "${BASH_REMATCH[1]}"
    else
      printf -- '- %s (%s)\n' "$subject" "$commit"
    fi
  done
}

body=$(mktemp)
trap 'rm -f "$body"' EXIT
changes >"$body.all"
count=$(wc -l <"$body.all" | tr -d ' ')
if [ "$count" -eq 0 ]; then
  rm -f "$body.all"
  echo "$HEAD has nothing that $BASE does not have: there is nothing to release."
  exit
fi
{
  printf 'Merging this promotes what staging runs to production. Look at staging first.\n\n'
  sed -n "1,${MOST}p" "$body.all" | cut_lines
  if [ "$count" -gt "$MOST" ]; then printf -- '- … and %s more\n' $((count - MOST)); fi
} >"$body"
rm -f "$body.all"

number=$(gh pr list --base "$BASE" --head "$HEAD" --state open --json number --jq '.[0].number // empty')
if [ -n "$number" ]; then
  gh pr edit "$number" --body-file "$body"
else
  gh pr create --base "$BASE" --head "$HEAD" --title "Release $(date -u +%Y-%m-%d)" --body-file "$body"
fi
echo "$count changes"
