import time

print("hello from python-worker", flush=True)
while True:
    time.sleep(1)
