#!/bin/bash
# Is this host what irekae's boot script needs? Run by Packer as the last step of the build, and as the user data of an
# instance that test-image.sh boots from the image: then the verdict is on the console and the instance shuts down.
#
#   check-image.sh --stay-up      reports by its exit code, and leaves the host running
#
# IMAGE_ROOT is for tests alone: a directory that stands for /.
set -uo pipefail
root=${IMAGE_ROOT-}
conf=$root/etc/mackerel-agent/mackerel-agent.conf
wrong=()

check_tools() {
  local tool
  for tool in bash curl tar gzip awk grep sed od sha256sum systemctl shutdown aws; do
    command -v "$tool" >/dev/null || wrong+=("there is no $tool")
  done
  tar --version 2>/dev/null | grep -q 'GNU tar' || wrong+=('tar is not GNU tar')
}

check_agent() {
  systemctl cat mackerel-agent.service >/dev/null 2>&1 || wrong+=('mackerel-agent is not installed')
  if systemctl is-enabled --quiet mackerel-agent 2>/dev/null; then
    wrong+=('mackerel-agent starts automatically: a host would register before its application runs')
  fi
  if systemctl is-active --quiet mackerel-agent 2>/dev/null; then wrong+=('mackerel-agent is running'); fi
  if [ -e "$root/var/lib/mackerel-agent/id" ]; then
    wrong+=('/var/lib/mackerel-agent/id is there: every host would claim that id')
  fi
  if [ ! -f "$conf" ]; then
    wrong+=('there is no /etc/mackerel-agent/mackerel-agent.conf')
    return
  fi
  grep -Eq '^[[:space:]]*on_start[[:space:]]*=[[:space:]]*"(working|standby)"' "$conf" ||
    wrong+=('mackerel-agent.conf has no on_start = "working" under [host_status]')
  if grep -Eq '^[[:space:]]*apikey[[:space:]]*=' "$conf"; then
    wrong+=('mackerel-agent.conf holds an API key: anyone who may launch the image could read it')
  fi
  [ -x "$root/usr/local/sbin/mackerel-api-key" ] || wrong+=('/usr/local/sbin/mackerel-api-key is missing')
}

check_application() {
  local unit
  for unit in reactio-app reactio-worker; do
    systemctl cat "$unit.service" >/dev/null 2>&1 || wrong+=("there is no $unit.service, which a fleet starts")
  done
  if [ -e "$root/srv/irekae" ]; then wrong+=('/srv/irekae is there: a release is part of the image'); fi
}

check_metadata() {
  curl --silent --fail --noproxy '*' --max-time 2 --retry 3 --output /dev/null --request PUT \
    --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token ||
    wrong+=('the instance metadata service gives no token (IMDSv2)')
}

say() {
  printf 'irekae-image: %s\n' "$*"
  { printf 'irekae-image: %s\n' "$*" >>"$root/dev/console"; } 2>/dev/null || true
}

check_tools
check_agent
check_application
check_metadata
for each in ${wrong[@]+"${wrong[@]}"}; do say "$each"; done
if [ "${#wrong[@]}" -eq 0 ]; then say 'VERDICT ok'; else say "VERDICT ${#wrong[@]} wrong"; fi
# Leaves time to read the console while the instance is running; then it terminates itself.
if [ "${1:-}" != --stay-up ]; then shutdown -h +3; fi
[ "${#wrong[@]}" -eq 0 ]
