#!/usr/bin/env bash
# Packs an application into a .tar.gz that a new host can unpack: what git has committed, and the folders that the build
# made beside it (vendored modules). The same commit and the same folders give the same bytes, on any machine with the
# same tar and gzip, so a checksum says whether two tarballs are the same.
#
#   scripts/pack.sh app.tar.gz              what is committed in this directory, and below
#   scripts/pack.sh app.tar.gz local        the same, and the folder local/ as `carton install` has left it
#
# What git has only a note of is not left out without a word: a submodule is packed when its folder is named, as it is
# checked out; a file of Git LFS when `git lfs install` was run here (in GitHub's checkout: `lfs: true`).
#
# Run it in the application's directory. Needs bash, git, GNU tar and gzip.
set -euo pipefail

complain() { printf 'pack.sh: %s\n' "$*" >&2; }
fail() { complain "$@"; exit 1; }
# Names of files, of which none is a command to a terminal, or to the runner of GitHub.
listed() { LC_ALL=C tr '\000-\011\013-\037\177' '?' | LC_ALL=C sed 's/^ *::/?&/; s/##\[/#[/g; s/^/  /'; }
usage() { complain "$@"; complain 'Usage: pack.sh OUT.tar.gz [FOLDER…]'; exit 2; }

# What looks like a key or a password, of what is committed. What a build has vendored is not looked at.
secrets() {
  files | while IFS= read -r file; do
    if named_like_secret "$file"; then printf '%s\n' "$file"; fi
  done
  # A key is a secret under any name; the word alone, as in a program or its manual, is none.
  { LC_ALL=C grep -rlaE -- '-----BEGIN .*PRIVATE KEY' . || true; } | while IFS= read -r file; do
    if holds_private_key "$file"; then printf '%s\n' "$file"; fi
  done
}

files() { find . -type f -o -type l | LC_ALL=C sort; }

named_like_secret() { # FILE
  case ${1##*/} in
    .env.example | .env.sample | .env.template) return 1 ;;
    .env | .env.* | .netrc | .npmrc | .pgpass | credentials | credentials.json) return 0 ;;
    id_rsa | id_dsa | id_ecdsa | id_ed25519 | *.p12 | *.pfx | *.jks) return 0 ;;
    *.pem | *.key) if is_public "$1"; then return 1; fi; return 0 ;;
  esac
  return 1
}

# A certificate, a chain of them, a public key: blocks of PEM, none of which is anything else.
is_public() { # FILE
  local blocks public='(TRUSTED |X509 )?CERTIFICATE|(NEW )?CERTIFICATE REQUEST|X509 CRL|PKCS7|([A-Z0-9]+ )?PUBLIC KEY'
  blocks=$(LC_ALL=C grep -aoE -- '-----BEGIN [^-]*-----' "$1") || return 1
  ! LC_ALL=C grep -qvE -- "^-----BEGIN ($public|PGP PUBLIC KEY BLOCK|[A-Z0-9]+ PARAMETERS)-----\$" <<<"$blocks"
}

# The head of a key, and soon after it a line of base64; or both on one line, as in JSON.
holds_private_key() { # FILE
  LC_ALL=C awk '
    /-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----(\\r)?\\n[A-Za-z0-9+\/=]/ { found = 1; exit }
    /-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----[ \t\r]*$/ { head = NR; next }
    head && NR - head <= 8 && match($0, /[A-Za-z0-9+\/=]+/) && RLENGTH >= 40 { found = 1; exit }
    END { exit !found }' "$1"
}

# Files that stand for others: their content is not in git, or cannot be read here.
stand_ins() {
  { find . -type f -size -3 -exec grep -laE '^version https://(git-lfs|hawser)\.github\.com/spec/|/annex/objects/' {} + || true; } |
    while IFS= read -r file; do
      IFS= read -r first <"$file" || true
      case $first in
        'version https://'*.github.com/spec/*) printf '%s  (Git LFS)\n' "$file" ;;
        /annex/objects/*) printf '%s  (git-annex)\n' "$file" ;;
      esac
    done
  find . -type l | while IFS= read -r file; do
    case $(readlink "$file") in *.git/annex/objects/*) printf '%s  (git-annex)\n' "$file" ;; esac
  done
  { LC_ALL=C grep -rla GITCRYPT . || true; } | while IFS= read -r file; do
    if [ "$(head -c 9 "$file" | LC_ALL=C tr '\000' .)" = .GITCRYPT ]; then printf '%s  (git-crypt)\n' "$file"; fi
  done
}

# Paths, from here, of the submodules of HEAD in a folder and below, and of theirs.
submodules() { # FOLDER
  local entry
  git -C "$1" ls-tree -r -z HEAD | while IFS= read -r -d '' entry; do
    case $entry in 160000\ *) ;; *) continue ;; esac
    printf '%s\n' "${1#./}/${entry#*$'\t'}" | sed 's:^\./::'
    if [ -e "$1/${entry#*$'\t'}/.git" ]; then submodules "$1/${entry#*$'\t'}"; fi
  done
}

is_below() { # PATH FOLDER…
  local path=$1 folder
  shift
  for folder; do
    folder=${folder%/}
    case $path/ in "$folder"/*) return 0 ;; esac
  done
  return 1
}

refuse() { # WHAT LIST ADVICE
  if [ -z "$2" ]; then return; fi
  complain "$1; nothing was packed:"
  printf '%s\n' "${2#$'\n'}" | listed >&2
  fail "$3"
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
refuse 'these committed files look like secrets' "$(cd "$stage/app" && secrets | LC_ALL=C sort -u)" \
  'take them out of the repository and change what they held, or set export-ignore for them in .gitattributes.'
notes=$(cd "$stage/app" && stand_ins)
missing=
while IFS= read -r path; do
  # Of one that export-ignore leaves out, git archive makes no folder either.
  if [ -z "$path" ]; then continue; fi
  if ! is_below "$path" "$@"; then
    if [ -d "$stage/app/$path" ]; then missing+=$'\n'$path; fi
  elif [ -z "$(ls -A "$path" 2>/dev/null)" ]; then
    missing+=$'\n'"$path  (not checked out)"
  else
    notes+=$(cd "$path" && stand_ins | while IFS= read -r file; do printf '\n%s' "$path/${file#./}"; done)
  fi
done <<<"$(submodules .)"
refuse 'these are submodules, of which git archive packs nothing' "$missing" \
  'check them out (git submodule update --init --recursive), and name their folders: pack.sh OUT.tar.gz FOLDER…; or set export-ignore for them.'
refuse 'of these files git has only a note, in place of the content' "$notes" \
  'fetch it (git lfs install && git lfs pull; git annex get; git-crypt unlock), or set export-ignore for them.'
for folder; do
  mkdir -p "$stage/app/$folder"
  "$tar" -cf - -C "$folder" --exclude-vcs . | "$tar" -xf - -C "$stage/app/$folder"
done
# A host unpacks as root: it refuses these, and takes no set-user-id, set-group-id or sticky bit.
refuse 'these are no files, folders or symbolic links' \
  "$(cd "$stage/app" && find . ! -type f ! -type d ! -type l | LC_ALL=C sort)" \
  'remove the devices, pipes and sockets that the build has left.'
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
