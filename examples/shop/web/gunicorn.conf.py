"""Read by `gunicorn app:app` from the working directory."""

import os

bind = "0.0.0.0:8000"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8  # requests mostly wait for the API
accesslog = "-"
graceful_timeout = 8  # seconds; below the 10 that `docker stop` waits before it kills
worker_tmp_dir = "/dev/shm"  # the workers' heartbeat must not wait for a disk
control_socket_disable = True  # nobody steers a single server from inside its container
