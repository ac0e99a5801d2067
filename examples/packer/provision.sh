#!/bin/bash
# Turns an Amazon Linux 2023 host into the image of Reactio's hosts; Packer runs it as root.
#
#   provision.sh FILES SHA256     the directory with the files of this image, and the digest of the one script of a third
#                                 party that runs here: another text than the one that was read is not run
#
# IMAGE_ROOT is for tests alone: a directory that stands for /.
set -euo pipefail
root=${IMAGE_ROOT-}
files=${1:?the directory with the files of this image is missing}
setup_sha256=${2:?the SHA-256 of the set-up script is missing}

step() { printf 'provision: %s\n' "$*"; }

install_packages() {
  step 'packages'
  dnf --assumeyes --quiet upgrade
  # What the boot script needs and a minimal image lacks. curl is there, as curl-minimal.
  dnf --assumeyes --quiet install tar gzip gawk grep sed
}

install_agent() {
  step 'mackerel-agent'
  local setup
  setup=$(mktemp)
  # A file and not a pipe: neither a partial download nor another script may run, and it runs as root.
  curl --fail --silent --show-error --location --retry 5 --output "$setup" \
    https://mackerel.io/file/script/amznlinux/setup-yum-v2.sh
  printf '%s  %s\n' "$setup_sha256" "$setup" | sha256sum --check --quiet - || {
    echo "$setup is not the script that was read: read it, then pin its new digest (examples/README.md)." >&2
    return 1
  }
  sh "$setup"
  rm -f "$setup"
  dnf --assumeyes --quiet install mackerel-agent
  # Its package enables it. A host must register only after its application has started, which the boot script takes care of.
  systemctl disable --now mackerel-agent
  install -D -m 644 "$files/mackerel-agent.conf" "$root/etc/mackerel-agent/mackerel-agent.conf"
  install -D -m 755 "$files/mackerel-api-key" "$root/usr/local/sbin/mackerel-api-key"
  install -D -m 644 "$files/api-key.conf" "$root/etc/systemd/system/mackerel-agent.service.d/api-key.conf"
}

install_application_units() {
  step 'units of the application'
  id -u reactio >/dev/null 2>&1 || useradd --system --home-dir /srv/irekae --no-create-home --shell /sbin/nologin reactio
  local unit
  for unit in "$files"/reactio-*.service; do
    install -D -m 644 "$unit" "$root/etc/systemd/system/${unit##*/}"
  done
  systemctl daemon-reload
}

# This host's identity: hosts that boot from the image must not inherit it.
forget_identity() {
  step 'identity'
  rm -f "$root/var/lib/mackerel-agent/id"
  rm -rf "$root/srv/irekae" "$root/run/mackerel-agent-key"
  rm -f "$root"/etc/ssh/ssh_host_*
  : >"$root/etc/machine-id"
  dnf --quiet clean all
  cloud-init clean --logs
  rm -rf "$files"
}

install_packages
install_agent
install_application_units
forget_identity
step 'done'
