# The image of Reactio's hosts: Amazon Linux 2023 for arm64 with mackerel-agent, ready for irekae's boot script. It holds
# no application, no host id of Mackerel and no API key.
#
#   packer init . && packer build .
#
# The result is a candidate. test-image.sh boots it; release-image.sh turns it into the image that fleets look for.

packer {
  required_version = ">= 1.9.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1.3"
    }
  }
}

variable "region" {
  type    = string
  default = "ap-northeast-1"
}

variable "share_with" {
  type        = list(string)
  default     = ["222222222222"]
  description = "Accounts that may copy the candidate: those of the other environments."
}

locals {
  built_at = formatdate("YYYYMMDD-hhmmss", timestamp())
}

source "amazon-ebs" "reactio" {
  region        = var.region
  instance_type = "t4g.small"
  ssh_username  = "ec2-user"

  source_ami_filter {
    owners      = ["amazon"]
    most_recent = true
    filters = {
      name                = "al2023-ami-2023.*-kernel-*-arm64"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
  }

  ami_name       = "reactio-candidate-${local.built_at}"
  ami_users      = var.share_with
  snapshot_users = var.share_with

  # Instances of this image accept only IMDSv2, as the build itself does.
  imds_support = "v2.0"
  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }

  # The build's own key must not let anyone into a production host.
  ssh_clear_authorized_keys = true

  # The fleet's rootVolume.device.
  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = 8
    delete_on_termination = true
  }

  # Fleets look for stage = released: nothing is launched from a candidate.
  tags = {
    Name  = "reactio-candidate-${local.built_at}"
    stage = "candidate"
  }
  run_tags = {
    Name = "packer reactio"
  }
}

build {
  sources = ["source.amazon-ebs.reactio"]

  provisioner "file" {
    source      = "${path.root}/files"
    destination = "/tmp/"
  }

  provisioner "shell" {
    script          = "${path.root}/provision.sh"
    execute_command = "chmod +x {{ .Path }}; sudo {{ .Vars }} {{ .Path }} /tmp/files"
  }

  # The same checks run again when the candidate is booted.
  provisioner "shell" {
    script          = "${path.root}/check-image.sh"
    execute_command = "chmod +x {{ .Path }}; sudo {{ .Vars }} {{ .Path }} --stay-up"
  }

  post-processor "manifest" {
    output     = "manifest.json"
    strip_path = true
  }
}
