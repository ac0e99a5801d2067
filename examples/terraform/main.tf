# What Terraform keeps of a fleet, and what it leaves to irekae: hosts come and go with deployments, everything that they
# are launched with and stand behind is declared here. See README.md for what to expect when both touch one thing.

terraform {
  required_version = ">= 1.7"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  type    = string
  default = "ap-northeast-1"
}

variable "vpc_id" {
  type = string
}

# One per zone.
variable "subnet_ids" {
  type = list(string)
}

variable "artifact_bucket" {
  type        = string
  description = "The output ArtifactBucket of the stack irekae-production"
}

# -- The load balancers --

resource "aws_elb" "app" {
  name            = "reactio-production"
  subnets         = var.subnet_ids
  security_groups = [aws_security_group.app.id]

  listener {
    lb_port           = 80
    lb_protocol       = "http"
    instance_port     = 8080
    instance_protocol = "http"
  }

  health_check {
    target              = "HTTP:8080/health"
    interval            = 5
    timeout             = 4
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  # irekae attaches and detaches hosts. Without this, the next apply would detach all of them.
  lifecycle {
    ignore_changes = [instances]
  }
}

# A target group's members are resources of their own: declare no aws_lb_target_group_attachment, and nothing is ignored.
resource "aws_lb_target_group" "api" {
  name                 = "reactio-production-api"
  vpc_id               = var.vpc_id
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "instance"
  deregistration_delay = 30

  health_check {
    path     = "/health"
    interval = 5
    timeout  = 4
  }
}

# -- What hosts are launched with --

resource "aws_security_group" "app" {
  name   = "reactio-production-app"
  vpc_id = var.vpc_id
}

resource "aws_iam_role" "app" {
  name = "reactio-production-app"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

# Pinned versions only: a host never asks for "the newest".
resource "aws_iam_role_policy" "artifacts" {
  role = aws_iam_role.app.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:GetObjectVersion"
      Resource = "arn:aws:s3:::${var.artifact_bucket}/reactio/*"
    }]
  })
}

resource "aws_iam_instance_profile" "app" {
  name = "reactio-production-app"
  role = aws_iam_role.app.name
}

# No image, instance type, subnet or user data: these come with each deployment.
resource "aws_launch_template" "app" {
  name                                 = "reactio-production-app"
  instance_initiated_shutdown_behavior = "terminate"
  vpc_security_group_ids               = [aws_security_group.app.id]

  iam_instance_profile {
    arn = aws_iam_instance_profile.app.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/sdf"
    ebs {
      volume_size           = 100
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }
}

# CI writes the id of the newest image here; Terraform makes the parameter, and leaves its value alone.
resource "aws_ssm_parameter" "image" {
  name  = "/reactio/production/image"
  type  = "String"
  value = "none-yet"

  lifecycle {
    ignore_changes = [value]
  }
}

# -- What the fleets file needs to know --

locals {
  handover = {
    region          = var.region
    subnets         = var.subnet_ids
    securityGroups  = [aws_security_group.app.id]
    launchTemplate  = aws_launch_template.app.id
    instanceProfile = aws_iam_instance_profile.app.arn
    role            = aws_iam_role.app.arn
    classicElb      = aws_elb.app.name
    targetGroup     = aws_lb_target_group.api.arn
    imageParameter  = aws_ssm_parameter.image.name
  }
}

# Either of the two: an output for who runs both from one place, a parameter for a pipeline that has no state file.
output "irekae" {
  value = local.handover
}

resource "aws_ssm_parameter" "handover" {
  name  = "/irekae/handover/reactio-production-app"
  type  = "String"
  value = jsonencode(local.handover)
}
