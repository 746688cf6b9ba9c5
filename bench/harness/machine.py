"""The machine, and how busy others kept it while we measured."""

import os
import platform
import resource
import time


def in_words() -> str:
    """Processor, cores, memory, kernel."""
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown CPU")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {memory:.0f} GiB, Linux {platform.release()}"


class Noise:
    """Load averages at both ends, and the share of the processor that went to other programs."""

    def __enter__(self):
        self.begun = self._now()
        return self

    def __exit__(self, *_):
        self.ended = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float, float]:
        with open("/proc/stat") as stat:
            ticks = [int(tick) for tick in stat.readline().split()[1:]]
        # user, nice, system, idle, iowait, irq, softirq, steal
        busy = (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        own = sum(one.ru_utime + one.ru_stime for one in used)
        return time.monotonic(), busy, own, os.getloadavg()[0]

    def in_words(self) -> str:
        wall, busy, own = (after - before for after, before in zip(self.ended[:3], self.begun[:3]))
        others = max(0.0, busy - own) / max(wall * (os.cpu_count() or 1), 1e-9)
        return (
            f"load average {self.begun[3]:.2f} before, {self.ended[3]:.2f} after; "
            f"other programs took {100 * others:.0f} % of the processor"
        )
