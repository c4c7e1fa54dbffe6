# Every target does its own set-up; `make up` and `make test` are the two that a newcomer needs.
BOOT := /usr/bin/python3 hub/somahub/local/bootstrap.py

.PHONY: help up down test test-fast test-cluster lint apps images bench doctor locks

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

up: ## start somahub on this machine
	@$(BOOT) up

down: ## stop it, sessions too; nothing of people's work is removed
	@$(BOOT) down

doctor: ## name what this machine lacks, with the command that mends it
	@$(BOOT) doctor

apps: ## build every app's environment ahead of its first use
	@$(BOOT) apps

test: ## the whole promise: real hub, desktops, apps and browser
	@$(BOOT) test

test-fast: ## the pure parts, in under a minute
	@$(BOOT) test-fast

test-cluster: ## the same on Kubernetes: a cluster of one node, the images, the chart and a journey; as root
	@$(BOOT) test-cluster

lint: ## style, types and the direction of imports
	@$(BOOT) lint

images: ## build the container images for Kubernetes; docs/images.md
	@$(BOOT) images

bench: ## measure, and write docs/benchmarks.md
	@$(BOOT) bench

locks: ## resolve the hashed requirements anew
	@$(BOOT) locks
