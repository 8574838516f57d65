"""
Runs one server that must end when its starter ends, for any reason.

Called as a script: leash.py COMMAND... Standard input is a pipe. The starter holds its other end and never
writes to it, so end of file means that the starter is gone. The server's pid goes to standard output, the
server's own output to standard error. A death signal of the kernel (PR_SET_PDEATHSIG) would be shorter, but
it is sent when the starting *thread* ends, and only on Linux.
"""

import subprocess
import sys
import threading


def main() -> int:
    server = subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    )
    print(server.pid, flush=True)

    def kill_at_end_of_input() -> None:
        sys.stdin.read()
        server.kill()

    threading.Thread(target=kill_at_end_of_input, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
