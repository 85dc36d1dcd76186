# Keeps a session busy for five seconds.

Sys.sleep(5)
