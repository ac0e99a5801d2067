#!/usr/bin/env bash
# Packs an application into a .tar.gz that a new host can unpack: what git has committed, and the folders that the build
# made beside it (vendored modules). The same commit and the same folders give the same bytes, on any machine with the
# same tar and gzip, so a checksum says whether two tarballs are the same.
#
#   scripts/pack.sh app.tar.gz              what is committed in this directory, and below
#   scripts/pack.sh app.tar.gz local        the same, and the folder local/ as `carton install` has left it
#
# Run it in the application's directory. Needs bash, git, GNU tar and gzip.
set -euo pipefail

complain() { printf 'pack.sh: %s\n' "$*" >&2; }
fail() { complain "$@"; exit 1; }
# Names of files, of which none is a command to a terminal, or to the runner of GitHub.
listed() { LC_ALL=C tr '\000-\011\013-\037\177' '?' | LC_ALL=C sed 's/^ *::/?&/; s/##\[/#[/g; s/^/  /'; }
usage() { complain "$@"; complain 'Usage: pack.sh OUT.tar.gz [FOLDER…]'; exit 2; }

# Names that keys and passwords go by. What a build has vendored is not looked at: modules bring certificates along.
secrets_in() {
  grep -E '(^|/)(\.env(\.[^/]*)?|\.netrc|\.npmrc|\.pgpass|id_(rsa|dsa|ecdsa|ed25519)|[^/]*\.(pem|key|p12|pfx|jks)|credentials(\.json)?)$' |
    grep -Ev '\.env\.(example|sample|template)$' || true
}

find_tar() {
  local candidate
  for candidate in tar gtar; do
    if "$candidate" --version 2>/dev/null | grep -q 'GNU tar'; then
      printf %s "$candidate"
      return
    fi
  done
  fail 'this machine has no GNU tar, which alone packs in a fixed order (on a Mac: brew install gnu-tar).'
}

sha256_of() {
  local sum
  if command -v sha256sum >/dev/null; then sum=$(sha256sum <"$1"); else sum=$(shasum -a 256 <"$1"); fi
  printf %s "${sum%% *}"
}

check_usage() {
  if [ $# -eq 0 ]; then usage 'the name of the tarball is missing.'; fi
  case $1 in *.tar.gz | *.tgz) ;; *) usage "the tarball is given as \"$1\"; it must end in .tar.gz." ;; esac
  shift
  local folder
  for folder; do
    case /$folder/ in
      //* | */../* | */./*) usage "\"$folder\" must be a folder below this one, such as local." ;;
    esac
    [ -d "$folder" ] || usage "there is no folder \"$folder\" here. Run the build first."
  done
  git rev-parse --verify --quiet HEAD >/dev/null 2>&1 || fail 'this directory is in no git repository with a commit.'
}

check_usage "$@"
out=$1
shift
tar=$(find_tar)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir "$stage/app"

# `export-ignore` in .gitattributes keeps files out (tests, documents). In a subdirectory, only what is below it comes.
git archive --format=tar HEAD | "$tar" -xf - -C "$stage/app"
found=$(cd "$stage/app" && find . -type f -o -type l | LC_ALL=C sort | secrets_in)
if [ -n "$found" ]; then
  complain 'these committed files look like secrets; nothing was packed:'
  printf '%s\n' "$found" | listed >&2
  fail 'take them out of the repository and change what they held, or set export-ignore for them in .gitattributes.'
fi
for folder; do
  mkdir -p "$stage/app/$folder"
  "$tar" -cf - -C "$folder" --exclude-vcs . | "$tar" -xf - -C "$stage/app/$folder"
done
# A host unpacks as root: it refuses these, and takes no set-user-id, set-group-id or sticky bit.
odd=$(find "$stage/app" ! -type f ! -type d ! -type l | LC_ALL=C sort)
if [ -n "$odd" ]; then
  complain 'these are no files, folders or symbolic links; nothing was packed:'
  printf '%s\n' "$odd" | sed "s:^$stage/app/::" | listed >&2
  fail 'remove the devices, pipes and sockets that the build has left.'
fi
[ -n "$(find "$stage/app" -type f -o -type l)" ] || fail 'there is nothing to pack: nothing is committed here.'

# The commit's time, not 1970: a web server makes ETags from time and size, and would treat changed files as unchanged.
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
(cd "$stage/app" && LC_ALL=C "$tar" -cf - --format=gnu --sort=name --mtime="@$time" \
  --owner=0 --group=0 --numeric-owner --mode='u+rwX,go+rX,go-w,ug-s,o-t' .) | gzip -n -9 >"$stage/out"
mv "$stage/out" "$out"
chmod 644 "$out"

count=$(find "$stage/app" -type f -o -type l | wc -l | tr -d ' ')
size=$(wc -c <"$out" | tr -d ' ')
printf 'packed %s: %s files, %s bytes, SHA-256 %s\n' "$out" "$count" "$size" "$(sha256_of "$out")"
