"""Run a program on a terminal and type a line each time it asks: type_on_terminal.py TIMES LINE COMMAND...

A process of its own, because forking a terminal inside the test runner's threads is not safe.
"""

import os
import pty
import sys

times, line, *command = sys.argv[1:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
for _ in range(int(times)):
    seen = b""
    while not seen.endswith(b": "):
        seen += os.read(terminal, 1024)
    os.write(terminal, line.encode() + b"\n")
try:
    while os.read(terminal, 1024):
        pass
except OSError:
    # Linux says so when the other side has closed.
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
