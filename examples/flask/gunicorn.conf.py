"""Read by `gunicorn app:app` from the working directory; command line flags win over it."""

import os

bind = f"0.0.0.0:{os.environ.get('PORT', '5000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 4
accesslog = "-"  # to stdout, where `docker logs` finds it
graceful_timeout = 8  # seconds; below the 10 that `docker stop` waits before it kills
worker_tmp_dir = "/dev/shm"  # the workers' heartbeat must not wait for a disk
control_socket_disable = True  # nobody steers a single server from inside its container
