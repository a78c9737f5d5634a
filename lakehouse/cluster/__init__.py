"""What runs the lakehouse on a Kubernetes cluster."""
