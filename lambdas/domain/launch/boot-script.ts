/**
 * The boot script: bash, given to new instances as user data. A host fetches exactly the pinned versions of its
 * release, checks them, starts the application and last joins its fleet in Mackerel: a registered host is one whose
 * application was started. Whatever fails is said in one line on the console and shuts the instance down, so the
 * deployment fails within seconds instead of by timeout.
 *
 * It runs on Amazon Linux 2023, Ubuntu 22.04+ and Debian 12 as they come: bash, coreutils, curl, tar, gzip, awk, grep
 * and sed. Requests to S3 are signed in bash. Rejected: the AWS CLI (not in every image), `curl --aws-sigv4` (curl
 * 7.81 of Ubuntu 22.04 signs neither the session token nor the payload's hash, and S3 refuses unsigned `x-amz-`
 * headers), `openssl dgst -hmac` (shows the key in `ps`), presigned URLs (secrets in the user data, and they expire).
 */

import {
  type PinnedArtifact,
  type PinnedRuntime,
  type ReleasedArtifact,
  releaseName,
} from '../core/artifact.ts';
import { DeploymentError } from '../core/errors.ts';
import type { Fleet } from '../core/fleet.ts';

export interface BootOrder {
  readonly bucket: string;
  readonly fleet: string;
  readonly deploymentId: string;
  /** `null`: the image is the release, and the script only starts it and joins. */
  readonly artifact: ReleasedArtifact;
  readonly imageId: string;
  readonly runtimes: readonly PinnedRuntime[];
  readonly startCommand: string;
  /** From the script's beginning: when the start command still runs then, it is told and ended. */
  readonly startSeconds: number;
  /** `Service:role`, as mackerel-agent wants it. */
  readonly mackerelRole: string;
  /** The way out for the downloads and the agent, where there is no other. */
  readonly httpProxy?: string | undefined;
}

/** What EC2 takes as user data, in bytes before base64. */
export const USER_DATA_LIMIT = 16 * 1024;

/**
 * How long a start command may take: nearly as long as the deployment waits for the host, less what it takes to boot, to
 * say so on the console and to shut down. Who hangs is then told by name, and not by a timeout without a word.
 */
export const startSecondsOf = (readySeconds: number): number =>
  Math.max(Math.floor(readySeconds / 2), readySeconds - 120);

/** A Step Functions execution name has at most 80 characters. */
const LONGEST_DEPLOYMENT_ID = 80;

const LONGEST_IMAGE_ID = `ami-${'0'.repeat(17)}`;

/** S3 gives ids of 32 characters today and documents no more than a bound of 1,024; twice today's is reckoned with. */
const LONGEST_VERSION_ID = 64;

/**
 * The user data of a deployment's new instances. Pure: the same order gives the same bytes, which an idempotent
 * launch needs. Holds no secret: the host has its own role.
 *
 * @throws DeploymentError `InvalidInput` for a value that bash cannot hold, `LaunchRefused` for more than 16 KB.
 */
export function renderBootScript(order: BootOrder): string {
  const script = render(order);
  const bytes = Buffer.byteLength(script);
  if (bytes > USER_DATA_LIMIT) {
    throw new DeploymentError(
      'LaunchRefused',
      `The boot script of ${order.fleet} has ${bytes} bytes and EC2 takes ${USER_DATA_LIMIT}: ` +
        'move the start command into the tarball, or shorten keys and runtimes in the fleets file.',
    );
  }
  return script;
}

/** The size in bytes that a fleet's script can reach at most (longest ids): for validation at synth. */
export function largestBootScript(
  fleet: Pick<Fleet, 'name' | 'artifact' | 'runtimes' | 'startCommand' | 'mackerel' | 'httpProxy'>,
): number {
  const pinned = (key: string): PinnedArtifact => ({
    key,
    versionId: 'v'.repeat(LONGEST_VERSION_ID),
    sha256: '0'.repeat(64),
    sizeBytes: 0,
  });
  const script = render({
    bucket: fleet.artifact.bucket,
    fleet: fleet.name,
    deploymentId: 'd'.repeat(LONGEST_DEPLOYMENT_ID),
    artifact: fleet.artifact.key === undefined ? null : pinned(fleet.artifact.key),
    imageId: LONGEST_IMAGE_ID,
    runtimes: fleet.runtimes.map(({ key, directory }) => ({ ...pinned(key), directory })),
    startCommand: fleet.startCommand,
    startSeconds: 9_999,
    mackerelRole: `${fleet.mackerel.service}:${fleet.mackerel.role}`,
    httpProxy: fleet.httpProxy,
  });
  return Buffer.byteLength(script);
}

function render(order: BootOrder): string {
  const { artifact } = order;
  const delivery = artifact && [
    'identify_bucket',
    ...order.runtimes.map((runtime) => deliverCommand(runtime, `"$root"${quote(runtime.directory)}`)),
    deliverCommand(artifact, '"$home/releases/$deployment"'),
    'switch_release',
  ];
  return [
    '#!/bin/bash',
    `fleet=${quote(order.fleet)}`,
    `deployment=${quote(order.deploymentId)}`,
    `release=${quote(releaseName(artifact, order.imageId))}`,
    ...(artifact ? [`bucket=${quote(order.bucket)}`, `artifact_version=${quote(artifact.versionId)}`] : []),
    `start_command=${quote(order.startCommand)}`,
    `start_seconds=${order.startSeconds}`,
    `mackerel_role=${quote(order.mackerelRole)}`,
    ...(order.httpProxy === undefined ? [] : [`proxy=${quote(order.httpProxy)}`]),
    '',
    FUNCTIONS,
    ...(artifact ? [DELIVERY] : []),
    '# -- the story --',
    'prepare',
    'identify_host',
    ...(delivery ?? []),
    'start_application',
    'join_mackerel',
    'report_success',
    '',
  ].join('\n');
}

/** The call of one artifact's delivery. The directory is bash already: it begins with a variable. */
function deliverCommand({ key, versionId, sha256 }: PinnedArtifact, directory: string): string {
  return `deliver ${quote(uriPath(key))} ${quote(encodeURIComponent(versionId))} ${sha256} ${directory}`;
}

/** The key as S3 wants it in a signed URL. A key that the fleet's validation lets pass comes out unchanged. */
function uriPath(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * One word of POSIX shell that stands for exactly this value: nothing is special between single quotes.
 *
 * @throws DeploymentError `InvalidInput` for a NUL or half a surrogate pair: no shell word could carry it.
 */
export function quote(value: string): string {
  if (value.includes('\0') || !value.isWellFormed()) {
    throw new DeploymentError(
      'InvalidInput',
      `A value of the boot script is not text: ${JSON.stringify(value)}.`,
    );
  }
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** EC2 takes 16 KB: comments stay here, for who reads the script here. (No value of it has a blank before a hash.) */
function forTheHost(script: string): string {
  return script.replace(/^ *# .*\n/gm, '').replace(/ # .*$/gm, '');
}

/**
 * The part that is the same on every host. Inside this literal, `\${` is bash's `${` and `\\` its backslash.
 *
 * `set -e` has holes (conditions, substitutions), so whatever can fail says `|| fail`; the EXIT trap is for the rest.
 */
const FUNCTIONS =
  forTheHost(`# Whatever fails is one line on the console, and the instance shuts down. Everything else: /var/log/irekae-boot.log.
# IREKAE_ROOT is for tests alone: a directory that stands for /.
set -euo pipefail
root=\${IREKAE_ROOT-} home=$root/srv/irekae log=$root/var/log/irekae-boot.log
secrets=() work=$home/work # on the disk: /tmp is memory on some images
conf=$root/etc/mackerel-agent/mackerel-agent.conf

say() {
  printf 'irekae: %s\\n' "$*" >>"$log"
  { printf 'irekae: %s\\n' "$*" >>"$root/dev/console"; } 2>/dev/null || true
}

fail() { outcome=$1; exit 1; }

finish() { # the EXIT trap; its argument is the command that ran last
  local last=$1
  set +e
  trap '' HUP INT TERM
  rm -rf "$work"
  [[ \${outcome-} == started ]] && exit 0
  outcome="irekae: FAILED: \${outcome-"the boot script stopped unexpectedly at: $last"}"
  printf '%s\\n' "$outcome" >>"$log"
  local said one IFS=
  said=$(tail -n 200 "$log" | grep -v '^irekae: '; printf %s "$outcome")
  # The console is read by more people than this log: without what this script and the agent know, as it is or in a URL.
  for conf in "$conf" $root$(top_level include); do secrets+=("$(top_level apikey)"); done 2>/dev/null
  for one in "\${secrets[@]}"; do
    ((\${#one} > 7)) || continue
    said=\${said//"$one"/***} one=\${one//\\//%2F} one=\${one//+/%2B}
    said=\${said//"\${one//=/%3D}"/***}
  done
  { printf '%s\\n' "$said" >>"$root/dev/console"; } 2>/dev/null
  shutdown -h now
}

need() { command -v "$1" >/dev/null || fail "the image has no $1: install it in the image"; }

prepare() {
  trap 'finish "$BASH_COMMAND"' EXIT
  trap 'fail "the boot script was told to stop before the application was started"' HUP INT TERM
  umask 022
  mkdir -p "$root/var/log" "$home/releases"
  # An application prints what it likes: for root alone, and never into what an image's user has put in its place.
  if [[ ! -f $log || -L $log ]]; then rm -rf "$log"; fi
  : >>"$log"
  chmod 600 "$log"
  exec >>"$log" 2>&1 </dev/null # a file, not a pipe: a daemon that keeps it open holds up nobody
  # By the instance's id too: an image made from a host carries that host's file. Where nobody tells the id, it is ours.
  if [[ -e $home/started && $(<"$home/started") == "$deployment "$(instance_id) ]]; then
    say "$fleet $release was started before; nothing to do"
    outcome=started
    exit
  fi
  local tool
  for tool in curl awk timeout; do need "$tool"; done
  rm -rf "$work" "$home/started"
  mkdir -m 700 "$work"
  # An agent that the image starts by itself would register a host whose application does not run yet.
  systemctl stop mackerel-agent 2>/dev/null || true
}

# -- the instance: IMDSv2. Secrets go through pipes and builtins, never through arguments: ps shows those. --
imds() { # METHOD PATH HEADER: asks for some 20 s, because a role's credentials may lag behind the boot
  local try
  for try in {1..20}; do
    printf 'header = "%s"\\n' "$3" | curl --config - --request "$1" --fail --silent --show-error --noproxy '*' \\
      --max-time 2 "http://169.254.169.254/latest/$2" && return
    sleep 1
  done
  return 1
}

metadata() { imds GET "meta-data/$1" "X-aws-ec2-metadata-token: $imds_token"; }

get_token() { imds_token=$(imds PUT api/token 'X-aws-ec2-metadata-token-ttl-seconds: 21600') && secrets+=("$imds_token"); }

instance_id() { { get_token && metadata instance-id; } || printf '*'; }

identify_host() {
  get_token || fail 'the instance metadata service (IMDSv2) gives no token'
  instance=$(metadata instance-id) || fail 'the instance metadata service does not tell the instance id'
}

# -- the release --
start_application() {
  say "starting the application"
  local left=$((start_seconds > SECONDS ? start_seconds - SECONDS : 1)) status=0
  IREKAE_FLEET=$fleet IREKAE_DEPLOYMENT=$deployment timeout -k 9 $left bash -c "$start_command" || status=$?
  ((status == 0)) && return
  ((SECONDS < start_seconds)) || fail "the start command did not end within $left s: it must not wait for what starts\
 only after this script (systemctl start --no-block); its last lines are above"
  fail "the start command ended with status $status; its last lines are above"
}

# -- Mackerel --
top_level() { # KEY: a string at the top level of the agent's configuration
  awk -v key="$1" '/^[ \\t]*\\[/ { exit } tolower($0) ~ "^[ \\t]*" key "[ \\t]*=" { split($0, s, /["\\047]/); print s[2] }' "$conf"
}

set_roles() { # FILE TEXT: puts TEXT before the file, drops its own top-level roles (one line or several) and its proxy for ours
  local rest
  rest=$(awk -v proxy="\${proxy-}" '!inside && /^[ \\t]*\\[/ { table = 1 }
    !inside && !table && proxy != "" && tolower($0) ~ /^[ \\t]*https?_proxy[ \\t]*=/ { next }
    !table && tolower($0) ~ /^[ \\t]*roles[ \\t]*=/ { inside = 1 }
    inside { if (/\\]/) inside = 0; next }
    { print }' "$1") && printf '%s\\n' "$2$rest" >"$1" || fail "$1 cannot be rewritten"
}

join_mackerel() {
  if ! systemctl cat mackerel-agent.service >/dev/null 2>&1; then
    say 'the image has no mackerel-agent: this host will not be seen in Mackerel'
    return
  fi
  [[ -f $conf ]] || fail "the image has mackerel-agent, but no $conf"
  local file state IFS= # no word splitting: only the pattern of "include" is expanded
  for file in $root$(top_level include); do # included roles would win over ours
    if [[ -f $file ]]; then set_roles "$file" ''; fi
  done
  # On top, since after a [table] it would be the table's. In place: the file holds a key and keeps owner and mode.
  local top="roles = [\\"$mackerel_role\\"]"$'\\n'
  if [[ \${proxy-} ]]; then top+="http_proxy = \\"$proxy\\""$'\\n'"https_proxy = \\"$proxy\\""$'\\n'; fi
  set_roles "$conf" "$top"
  state=$(top_level root)
  rm -f "$root\${state:-/var/lib/mackerel-agent}/id" # baked into the image, it is another host's
  { systemctl enable mackerel-agent && systemctl restart mackerel-agent; } || fail 'mackerel-agent does not start'
}

report_success() {
  printf '%s\\n' "$deployment $instance" >"$home/started"
  outcome=started
  say "started $fleet $release in $SECONDS s"
}
`);

/** What only a release with an artifact needs: the same on every host, too. */
const DELIVERY = forTheHost(`identify_bucket() {
  local tool
  for tool in tar gzip; do need "$tool"; done
  rm -rf "$home/current" # no other host's release starts from here
  region=$(metadata placement/region) || fail 'the instance metadata service does not tell the region'
  domain=$(metadata services/domain) || fail 'the instance metadata service does not tell the domain of AWS'
  iam_role=$(metadata iam/security-credentials/) ||
    fail 'the instance has no role: give the launch template an instance profile'
  # A bucket name with dots does not fit the certificate of virtual-hosted addresses.
  host=$bucket.s3.$region.$domain prefix=
  if [[ $bucket == *.* ]]; then host=s3.$region.$domain prefix=/$bucket; fi
}

read_credentials() {
  local answer
  answer=$(metadata "iam/security-credentials/$iam_role") || return
  field() { [[ $answer =~ \\"$1\\"[[:space:]]*:[[:space:]]*\\"([^\\"]+)\\" ]] && printf %s "\${BASH_REMATCH[1]}"; }
  access_key=$(field AccessKeyId) && secret_key=$(field SecretAccessKey) && session_token=$(field Token) &&
    secrets+=("$secret_key" "$session_token")
}

# -- S3. Signed here: curl 7.81 (Ubuntu 22.04) has --aws-sigv4 but does not sign the session token; S3 refuses that. --
sha256() { local sum; sum=$(sha256sum) && printf %s "\${sum%% *}"; }
hex() { od -An -v -tx1 | tr -d ' \\n'; }

hmac() { # KEY TEXT: HMAC-SHA256; the key (at most 64 bytes) and the answer in hex
  local key=$1 inner= outer= i
  while ((\${#key} < 128)); do key+=00; done
  for ((i = 0; i < 128; i += 2)); do
    printf -v inner '%s\\\\x%02x' "$inner" $((16#\${key:i:2} ^ 0x36))
    printf -v outer '%s\\\\x%02x' "$outer" $((16#\${key:i:2} ^ 0x5c))
  done
  inner=$(printf "$inner%s" "$2" | sha256 | sed 's/../\\\\x&/g')
  printf "$outer$inner" | sha256
}

signed_headers() { # PATH QUERY: the headers of a GET, as a curl config
  local now nothing scope names request key part
  now=$(date -u +%Y%m%dT%H%M%SZ) nothing=$(printf '' | sha256)
  scope=\${now%T*}/$region/s3/aws4_request names='host;x-amz-content-sha256;x-amz-date;x-amz-security-token'
  request=$(printf '%s\\n' GET "$1" "$2" "host:$host" "x-amz-content-sha256:$nothing" "x-amz-date:$now" \\
    "x-amz-security-token:$session_token" '' "$names" "$nothing")
  key=$(printf %s "AWS4$secret_key" | hex)
  for part in \${scope//\\// }; do key=$(hmac "$key" "$part"); done
  request=$(printf %s "$request" | sha256)
  key=$(hmac "$key" $'AWS4-HMAC-SHA256\\n'"$now"$'\\n'"$scope"$'\\n'"$request")
  printf 'header = "%s"\\n' "x-amz-content-sha256: $nothing" "x-amz-date: $now" \\
    "x-amz-security-token: $session_token" \\
    "Authorization: AWS4-HMAC-SHA256 Credential=$access_key/$scope, SignedHeaders=$names, Signature=$key"
}

download() { # KEY VERSION FILE: five tries, each signed anew; \`answer\` says how the last one ended
  local try path=$prefix/$1 query=versionId=$2
  for try in 1 2 3 4 5; do
    if ! read_credentials; then
      answer="the instance metadata service has no credentials of the role $iam_role"
      return 1
    elif answer=$(signed_headers "$path" "$query" | curl --config - --silent --show-error --path-as-is \\
      \${proxy:+--proxy "$proxy"} --connect-timeout 5 --speed-limit 1000 --speed-time 20 --max-time 900 \\
      --output "$3" --write-out '%{http_code}' "https://$host$path?$query" 2>"$work/why"); then
      [[ $answer == 200 ]] && return
      answer="$answer $(sed -n 's:.*<Code>\\(.*\\)</Code>.*:\\1:p' "$3")"
      # Final, unless it is S3's or the network's bad moment, a clock not yet set or a role not yet known.
      [[ $answer =~ ^(5|408|429)|RequestTimeTooSkewed|InvalidAccessKeyId|(Invalid|Expired)Token ]] || return 1
    else
      answer=$(<"$work/why")
    fi
    ((try == 5)) || sleep $((2 ** (try - 1)))
  done
  return 1
}

deliver() { # KEY VERSION SHA256 DIRECTORY
  local name="s3://$bucket/$1 version $2" file=$work/tarball found
  download "$1" "$2" "$file" || fail "S3 did not give $name: $answer"
  found=$(sha256 <"$file") || fail "$name cannot be read back from the disk"
  [[ $found == "$3" ]] || fail "$name has the SHA-256 $found instead of $3; it was not unpacked"
  unpack "$name" "$file" "$4"
  rm "$file"
  say "unpacked $name into \${4#"$root"}"
}

unpack() { # NAME FILE DIRECTORY: all or nothing, by way of a fresh directory beside it
  local names=$work/names bad
  tar -tzf "$2" >"$names" || fail "$1 is not a whole .tar.gz; it was not unpacked"
  [[ -s $names ]] || fail "$1 is an empty tarball"
  if grep -E -m 1 '^/|(^|/)\\.\\.(/|$)' "$names" >"$work/bad"; then
    read -rn 200 bad <"$work/bad"
    fail "$1 would write outside its directory ($bad); it was not unpacked"
  fi
  tar -tvPzf "$2" >"$names" || fail "$1 cannot be listed; it was not unpacked"
  if grep -E -m 1 '^[^-dlh]|^h.* link to (/|(.*/)?\\.\\.(/|$))' "$names" >"$work/bad"; then
    read -rn 200 bad <"$work/bad"
    fail "$1 holds a device, a pipe or a hard link to a file outside ($bad); it was not unpacked"
  fi
  rm -rf "$3.new" "$3.old"
  mkdir -p "$3.new" || fail "$3.new cannot be made"
  # GNU tar makes symbolic links that lead outside last of all, so nothing is written through them. Nobody becomes root
  # by a tarball: it says neither whose a file is nor that it runs as its owner, and nobody else may write it.
  tar -xzf "$2" -C "$3.new" --no-same-owner --no-same-permissions --no-xattrs --no-acls --no-selinux ||
    fail "$1 cannot be unpacked"
  chmod -R ug-s,o-t,go-w "$3.new" || fail "the permissions in $3.new cannot be set"
  chmod 755 "$3.new" # the tarball's own "./" may be private to who packed it
  if [[ -e $3 || -L $3 ]]; then mv -T "$3" "$3.old" || fail "$3 cannot be replaced"; fi
  mv -T "$3.new" "$3" || fail "$3 cannot be put in place"
  rm -rf "$3.old"
}

switch_release() {
  { ln -sfn "releases/$deployment" "$home/current.new" && mv -T "$home/current.new" "$home/current" &&
    cd "$home/current"; } || fail "$home/current cannot be switched"
  export IREKAE_ARTIFACT_VERSION=$artifact_version
}
`);
