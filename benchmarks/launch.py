"""Execute a command and report its time, CPU time and peak memory as JSON on stdout.

    python -I -S launch.py FOLDER PROGRAM ARGUMENT…

The command's output goes to the files `stdout` and `stderr` in FOLDER. It has a small parent of its
own because the kernel counts the memory of the process that starts a program as the program's.
"""

import json
import os
import sys
import time


def main() -> None:
    folder, *command = sys.argv[1:]
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    outputs = [
        (os.POSIX_SPAWN_OPEN, number, f"{folder}/{name}", write, 0o644)
        for number, name in ((1, "stdout"), (2, "stderr"))
    ]
    started_at, clock = time.time(), time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=outputs)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - clock
    # Linux counts in kibibytes, macOS in bytes.
    peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    json.dump(
        {
            "started_at": started_at,
            "seconds": seconds,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "peak_bytes": peak_bytes,
            "exit_code": os.waitstatus_to_exitcode(status),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
