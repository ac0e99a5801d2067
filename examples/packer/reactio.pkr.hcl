# The image of Reactio's hosts: Amazon Linux 2023 for arm64 with mackerel-agent, ready for irekae's boot script. It holds
# no application, no host id of Mackerel and no API key.
#
#   packer init . && packer build .     (first time: pin mackerel-agent's set-up script, see examples/README.md)
#
# The result is a candidate. test-image.sh boots it; release-image.sh turns it into the image that fleets look for.

packer {
  required_version = ">= 1.9.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "1.8.2" # exactly: a plugin runs with the build's credentials
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

variable "subnet_id" {
  type        = string
  default     = "subnet-0a1b2c3d4e5f60001"
  description = "Where the build runs: in the network that the role may build in."
}

variable "mackerel_setup_sha256" {
  type        = string
  description = "SHA-256 of the set-up script of mackerel-agent's package repository, as somebody has read it."
  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.mackerel_setup_sha256))
    error_message = "It must be a SHA-256: 64 hexadecimal digits."
  }
}

locals {
  # CI's role may touch only what carries this, and gives it to what it makes.
  built = { image-build = "reactio" }

  built_at = formatdate("YYYYMMDD-hhmmss", timestamp())
}

source "amazon-ebs" "reactio" {
  region        = var.region
  instance_type = "t4g.small"
  ssh_username  = "ec2-user"
  subnet_id     = var.subnet_id

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
  run_tags        = merge(local.built, { Name = "packer reactio" })
  run_volume_tags = merge(local.built, { Name = "packer reactio" })
}

build {
  sources = ["source.amazon-ebs.reactio"]

  provisioner "file" {
    source      = "${path.root}/files"
    destination = "/tmp/"
  }

  provisioner "shell" {
    script          = "${path.root}/provision.sh"
    execute_command = "chmod +x {{ .Path }}; sudo {{ .Vars }} {{ .Path }} /tmp/files ${var.mackerel_setup_sha256}"
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
