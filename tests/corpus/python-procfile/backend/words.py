GREETING = "hello from python-procfile"
