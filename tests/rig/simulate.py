#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""simulate.py GATEWAY: three members of etcd, filled as a fleet's are, and many gateways' watches and leases at them.

	200 x gateway (the product's client: 2 watches, 1 lease each) === mutual TLS === 3 members, loopback, this disk
	                                  here: fills, revokes, enrols, kills members, reads /proc and /metrics

All of it shares one machine: times are upper bounds of what members of their own would need.
"""
import json
import os
import random
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from cluster import Cluster, Gate, b64, unb64

PROGRAM = sys.argv[1]
GATEWAYS = int(os.environ.get("GATEWAYS", 200))
DEVICES = int(os.environ.get("DEVICES", 5000))
REVOCATIONS = int(os.environ.get("REVOCATIONS", 50))
LOAD = int(os.environ.get("LOAD", 600))
BATCH = 256  # keys of a transaction that fills
FLEET = 10000  # gateways that is extrapolated to
HZ = os.sysconf("SC_CLK_TCK")
WORK = tempfile.mkdtemp(prefix="cordon-fleet.")
rows = []


def note(what, measured, beside=""):
    """A line of the table."""
    rows.append((what, measured, beside))
    print(f"# {what}: {measured}{f'   ({beside})' if beside else ''}", flush=True)


def value(**fields):
    """As a gateway writes it."""
    return json.dumps({"v": 1, **fields}, separators=(",", ":"))


def device_keys(n, name=None):
    """Keys and values of one device: itself, and its certificate. Of true size."""
    name = name or f"device-{n:07}"
    mac = f"02:{n >> 32 & 255:02x}:{n >> 24 & 255:02x}:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}"
    serial = f"{n:032x}"
    return [(f"all/device/{name}", value(mac=mac, model="sensor-2", firmware="1.4.2", approval=1, approved=1700000000,
                                         enrolled=1700000000, retired=0, gateway=f"g{n % GATEWAYS:03}")),
            (f"all/cert/{serial}", value(name=name, mac=mac, kind=0, key=f"{n:064x}", fingerprint=f"{n * 7:064x}",
                                         gateway=f"g{n % GATEWAYS:03}", until=1705184000, **{"from": 1700000000}, state=1))]


def puts(keys):
    """One transaction."""
    return json.dumps({"success": [{"request_put": {"key": b64("cordon/" + k), "value": b64(v)}} for k, v in keys]})


class Sampler:
    """Of all members: CPU and memory (from /proc), and what they count, since it was last asked."""

    def __init__(self, cluster):
        self.cluster, self.last = cluster, {}
        self.take()

    def take(self):
        """CPU seconds, requests by all, messages of watches, seconds; of each member, and RSS."""
        found = {}
        for m in self.cluster.members:
            if m.process.poll() is not None:
                continue
            with open(f"/proc/{m.process.pid}/stat", encoding="ascii") as f:
                words = f.read().rpartition(")")[2].split()
            cpu = (int(words[11]) + int(words[12])) / HZ
            try:
                c = m.metrics()
            except OSError:
                continue
            now = (time.monotonic(), cpu, c.get("grpc_server_started_total", 0), c.get("grpc_server_msg_sent_total", 0))
            was = self.last.get((m.name, m.process.pid), (now[0], 0, 0, 0))
            self.last[m.name, m.process.pid] = now
            found[m.name] = {"seconds": now[0] - was[0], "cpu": cpu - was[1], "requests": now[2] - was[2],
                             "messages": now[3] - was[3], "rss": int(words[21]) * os.sysconf("SC_PAGE_SIZE"), "all": c}
        return found

    @staticmethod
    def total(found, what):
        """Summed over members."""
        return sum(m[what] for m in found.values())


def fill(cluster):
    """All devices' keys, as fast as it goes, until it is all or the time is over. How many devices are there."""
    total, began, lock, at = GATEWAYS * DEVICES, time.monotonic(), threading.Lock(), [0]

    def work(member):
        gate = Gate(cluster, member)
        while time.monotonic() - began < LOAD:
            with lock:
                first, at[0] = at[0], at[0] + BATCH // 2
            if first >= total:
                return
            keys = [k for n in range(first, min(total, first + BATCH // 2)) for k in device_keys(n)]
            gate.call("kv/txn", puts(keys))

    threads = [threading.Thread(target=work, args=(cluster.members[i % 3],)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    n, seconds = min(at[0], total), time.monotonic() - began
    note("filled", f"{n:,} devices, {2 * n:,} keys", f"of {total:,}; {2 * n / seconds:,.0f} keys/s")
    return n


class Fleet:
    """The gateways, and what they say."""

    def __init__(self, cluster):
        out, self.end = os.pipe()
        os.set_blocking(out, False)
        self.out, self.rest, self.open, self.heard, self.loaded, self.over = out, b"", set(), {}, [], []
        urls = [m.url for m in cluster.members]
        self.processes = []
        for n in range(GATEWAYS):
            random.shuffle(urls)
            self.processes.append(subprocess.Popen(
                [PROGRAM, f"g{n:03}", "cordon/", cluster.authority.crt, f"{cluster.client}.crt", f"{cluster.client}.key",
                 *urls], stdin=subprocess.DEVNULL, stdout=self.end))

    def listen(self, wait=0.02):
        """Take in what was said."""
        if not select.select([self.out], [], [], wait)[0]:
            return
        *lines, self.rest = (self.rest + os.read(self.out, 1 << 20)).split(b"\n")
        for line in lines:
            what, who, *more = line.decode().split(" ")
            if what == "open":
                self.open.add(who)
            elif what == "lost":
                self.open.discard(who)
            elif what == "revoked":
                self.heard.setdefault(more[0], {})[who] = int(more[1])
            elif what == "loaded":
                self.loaded.append((int(more[0]), int(more[1])))
            else:
                self.over.append(line)

    def until(self, what, seconds):
        """Listen until it is so."""
        end = time.monotonic() + seconds
        while not what() and time.monotonic() < end:
            self.listen()
        return what()

    def all_open(self):
        """Every gateway has both watches."""
        return len(self.open) == GATEWAYS

    def stop(self):
        """Kill all."""
        for p in self.processes:
            p.kill()
        for p in self.processes:
            p.wait()


class Background:
    """Roaming and renewals, as often as calculated for so many devices, by transactions as gateways make them."""

    def __init__(self, cluster, devices):
        self.gate, self.devices, self.stop_it = Gate(cluster, cluster.members[0]), devices, threading.Event()
        self.rate, self.done = devices / 100 / 86400 + devices / (60 * 86400), 0
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        """One after the other, at drawn times."""
        rng = random.Random(1)
        while not self.stop_it.wait(rng.expovariate(self.rate)):
            n = rng.randrange(self.devices)
            if rng.random() < 0.37:
                keys = [(f"holder/{n:012x}", value(gateway="g001", port="lan0", since=1700000000)),
                        (f"to/g002/moved/{n:012x}", value(gateway="g001"))]
            else:
                keys = device_keys(n)
            self.gate.call("kv/txn", puts(keys))
            self.done += 1

    def stop(self):
        """End it."""
        self.stop_it.set()
        self.thread.join()


def quantile(values, q):
    """Nearest rank."""
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def ms(ns):
    """In words."""
    return f"{ns / 1e6:.0f} ms"


def listed(cluster, sampler, pages=20, size=1000):
    """What pages of a list cost: in etcd 3.4 a member goes through all keys that are left of the range for each."""
    gate, after = Gate(cluster, cluster.members[0]), "cordon/all/"
    sampler.take()
    began = time.monotonic()
    for n in range(pages):
        page = gate.call("kv/range", {"key": b64(after), "range_end": b64("cordon/all0"), "limit": size})
        after = unb64(page["kvs"][-1]["key"]).decode() + "\0"
        if not page.get("more"):
            break
    pages = n + 1
    seconds, cpu = time.monotonic() - began, sampler.total(sampler.take(), "cpu")
    keys = int(page["count"])
    note(f"a page of {size:,} keys of a list", f"{1000 * seconds / pages:.0f} ms, {1000 * cpu / pages:.0f} ms of members' CPU",
         f"{keys:,} keys are left behind it; all {keys:,}, as pages become cheaper: {cpu / pages * keys / size / 2:,.0f} s of CPU")


def first(cluster):
    """And what one key of them all costs."""
    began = time.monotonic()
    Gate(cluster, cluster.members[0]).call("kv/range", {"key": b64("cordon/all/"), "range_end": b64("cordon/all0"), "limit": 1})
    note("the first key of that range alone", f"{1000 * (time.monotonic() - began):.0f} ms")


def listed_all(cluster, sampler):
    """Two sizes of pages: a small one, and that of the client."""
    listed(cluster, sampler)
    listed(cluster, sampler, 10, 5000)
    first(cluster)


def alone(sampler, seconds=20):
    """CPU seconds a second of members to whom nobody speaks."""
    sampler.take()
    select.select([], [], [], seconds)
    return sampler.total(sampler.take(), "cpu") / seconds


def quiet(fleet, sampler, base, seconds=60):
    """Nothing happens but what happens by itself."""
    sampler.take()
    fleet.until(lambda: False, seconds)
    s = sampler.take()
    per = sampler.total(s, "requests") / seconds
    cpu = sampler.total(s, "cpu") / seconds
    calculated = GATEWAYS / 20 + GATEWAYS / 300 + 2 * GATEWAYS / 15
    note("at rest, requests of all members", f"{per:.1f}/s", f"calculated {calculated:.1f}/s; {FLEET:,}: "
         f"{per * FLEET / GATEWAYS:,.0f}/s")
    note("at rest, CPU of all members", f"{100 * cpu:.1f} % of one processor", f"without gateways {100 * base:.1f} %; "
         f"{FLEET:,} in proportion: {base + (cpu - base) * FLEET / GATEWAYS:.1f} processors")


def revoke(fleet, cluster, sampler):
    """One after the other; how long until the last gateway, and any, had it."""
    gate, to_all, to_each = Gate(cluster, cluster.members[1]), [], []
    sampler.take()
    for n in range(REVOCATIONS):
        serial = f"{n:032x}"
        began = time.monotonic_ns()
        gate.put(f"cordon/all/revoked/{serial}", value(when=1700000000, reason=1, until=1705184000, by="g000",
                                                       fingerprint=f"{n:064x}", mac="02:00:00:00:00:01", note="x" * 80))
        if not fleet.until(lambda s=serial: len(fleet.heard.get(s, {})) == GATEWAYS, 30):
            note("a revocation is missed", f"{GATEWAYS - len(fleet.heard.get(serial, {}))} gateways have not heard of it")
            continue
        times = [t - began for t in fleet.heard[serial].values()]
        to_each += times
        to_all.append(max(times))
        fleet.until(lambda: False, 0.2)
    s = sampler.take()
    note(f"a revocation has reached a gateway ({len(to_each):,} samples)",
         f"p50 {ms(quantile(to_each, .5))}, p99 {ms(quantile(to_each, .99))}, max {ms(max(to_each))}")
    note(f"a revocation has reached all {GATEWAYS} ({len(to_all)} samples)",
         f"p50 {ms(quantile(to_all, .5))}, p99 {ms(quantile(to_all, .99))}, max {ms(max(to_all))}")
    spread = statistics.median(max(v.values()) - min(v.values()) for v in fleet.heard.values())
    note("from the first gateway to the last", ms(spread), f"{FLEET:,} in proportion: {ms(spread * FLEET / GATEWAYS)}")
    return s


def fan_out(fleet, cluster, sampler, devices=500):
    """How many events a second go out: devices enrol as fast as they are put."""
    gate = Gate(cluster, cluster.members[2])
    sampler.take()
    fleet.loaded.clear()
    began = time.monotonic_ns()
    for n in range(devices):
        key, text = device_keys(n)[0]
        gate.put("cordon/" + key.replace("device-", "new-"), text)
    put = time.monotonic_ns()
    wanted = devices * GATEWAYS
    fleet.until(lambda: sum(n for n, _ in fleet.loaded) >= wanted, 120)
    got = sum(n for n, _ in fleet.loaded)
    seconds = (max(t for _, t in fleet.loaded) - began) / 1e9
    cpu = sampler.total(sampler.take(), "cpu")
    rate = got / seconds
    note("enrolments one after the other, and their events", f"{devices * 1e9 / (put - began):,.0f} enrolments/s, "
         f"{rate:,.0f} events/s" + ("" if got == wanted else f"; {wanted - got} MISSING"),
         f"{1e6 * cpu / got:.0f} µs of members' CPU an event")
    note(f"enrolments a second that {FLEET:,} watches take, at one processor of each member",
         f"{3 / (cpu / got) / FLEET:.0f}/s", "in proportion; calculated bound: 10/s")


def storm(fleet, cluster, sampler, which, what, away=0):
    """Members are killed and come back; how hard the gateways come back."""
    fleet.until(fleet.all_open, 60)
    sampler.take()
    for m in which:
        m.kill()
    fleet.until(lambda: not fleet.all_open(), 10)
    fleet.until(lambda: False, away)
    lost, began = GATEWAYS - len(fleet.open), time.monotonic()
    for m in which:
        m.start()
    up = threading.Thread(target=lambda: cluster.ready() and note(
        f"{what}: until all members answer", f"{time.monotonic() - began:.1f} s"), daemon=True)
    up.start()
    peaks, busiest = [], []
    end = time.monotonic() + 90
    ended = None
    while time.monotonic() < end and (not ended or time.monotonic() < ended + 2):
        fleet.until(lambda: False, 0.5)
        s = {k: v for k, v in sampler.take().items() if v["seconds"] > 0.2}
        if s:
            peaks.append(sum(m["requests"] / m["seconds"] for m in s.values()))
            busiest.append(max(m["requests"] / m["seconds"] for m in s.values()))
        lost = max(lost, GATEWAYS - len(fleet.open))
        if not ended and fleet.all_open():
            ended = time.monotonic()
    up.join(60)
    note(f"{what}: gateways that lost a watch", lost)
    note(f"{what}: until all have it again", f"{ended - began:.1f} s" if ended else "not within 90 s")
    note(f"{what}: requests a second, peak", f"{max(peaks):.0f} of all members, {max(busiest):.0f} of one",
         f"{FLEET:,} in proportion: {max(peaks) * FLEET / GATEWAYS:,.0f} of all")


def describe(sampler, devices):
    """What the members are, filled."""
    s = sampler.take()
    c = max((m["all"] for m in s.values()), key=lambda a: a["etcd_mvcc_db_total_size_in_bytes"])
    rss = max(m["rss"] for m in s.values())
    size = c["etcd_mvcc_db_total_size_in_bytes"]
    keys = c["etcd_debugging_mvcc_keys_total"]
    note("keys", f"{keys:,.0f}", f"2 a device; revisions {c.get('etcd_debugging_mvcc_current_revision', 0):,.0f}")
    note("store of a member", f"{size / 1e6:,.0f} MB, in use {c['etcd_mvcc_db_total_size_in_use_in_bytes'] / 1e6:,.0f} MB",
         f"{size / keys:.0f} bytes a key; calculated 300; 3,000,000 keys: {size / keys * 3e6 / 1e9:.1f} GB")
    note("memory of a member, filled", f"{rss / 1e6:,.0f} MB",
         f"CPU for it, all members: {sampler.total(s, 'cpu'):.0f} s for {devices:,} devices")
    return rss


def main():
    """All of it, in turn."""
    cluster = Cluster(WORK, more=["--max-txn-ops", str(BATCH)])
    fleet = background = None
    try:
        if not cluster.start():
            sys.exit("the members do not come up")
        with open("/proc/cpuinfo", encoding="ascii") as f:
            model = next(l for l in f if l.startswith("model name")).partition(":")[2].strip()
        note("machine", f"{os.cpu_count()} processors ({model}) for 3 members and {GATEWAYS} gateways",
             f"etcd {cluster.members[0].ctl('version').decode().split()[2]}")
        sampler = Sampler(cluster)
        devices = fill(cluster)
        rss = describe(sampler, devices)
        listed_all(cluster, sampler)
        base = alone(sampler)
        fleet = Fleet(cluster)
        if not fleet.until(fleet.all_open, 120):
            sys.exit(f"only {len(fleet.open)} gateways have their watches")
        s = sampler.take()
        watches = 2 * GATEWAYS
        grown = sampler.total(s, "rss") - 3 * rss
        note(f"{watches} watches are open: memory of all members", f"{grown / 1e6:+,.0f} MB", f"{grown / watches / 1e3:.0f} kB "
             "a watch with its connection, if that is not the garbage collector's; calculated 100")
        background = Background(cluster, devices)
        quiet(fleet, sampler, base)
        revoke(fleet, cluster, sampler)
        note("meanwhile roamed or renewed", background.done, f"{background.rate:.2f}/s, as calculated")
        fan_out(fleet, cluster, sampler)
        background.stop()
        storm(fleet, cluster, sampler, cluster.members[:1], "one member killed")
        storm(fleet, cluster, sampler, cluster.members, "all members killed")
        storm(fleet, cluster, sampler, cluster.members, "all members away for a minute", 60)
        note("watches that ended for good", len(fleet.over), b"; ".join(fleet.over[:2]).decode())
    finally:
        if fleet:
            fleet.stop()
        cluster.stop()
        shutil.rmtree(WORK, ignore_errors=True)
    width = max(len(r[0]) for r in rows)
    print("\n" + "\n".join(f"{a:{width}}  {b}{f'   {c}' if c else ''}" for a, b, c in rows))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
