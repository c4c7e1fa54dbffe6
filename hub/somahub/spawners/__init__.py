"""Renderers of a session plan, one a tier: sandboxes on one machine, pods on Kubernetes."""
