#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""rows.py DIR LIVEDIR DEVICES NOW: rows for a history that `metrics --make` has made, of so many devices, at this time.

Every family has a series. Some names are what nobody should choose: labels must be escaped.
"""
import sqlite3
import sys

KINDS = ("scan", "segment_violation", "plaintext", "unknown_device", "rate")
HOSTILE = ('cam"} 1\nup 0\n#', "back\\slash", b"\xff\xfe not UTF-8", "ünïcode ☃", "</script><script>", "x" * 600)


def devices(db, n, now):
    for i in range(1, n + 1):
        name = f"device-{i}"
        mac = f"02:00:00:{i >> 16 & 255:02x}:{i >> 8 & 255:02x}:{i & 255:02x}"
        state = "quarantined" if i % 50 == 0 else "expired" if i % 20 == 0 else "active"
        db.execute("INSERT INTO main.device VALUES(?,?,?,?,?,?)", (i, mac, name, "iot_zone", now - 86400, now))
        db.execute(
            "INSERT INTO live.now(id,mac,name,segment,effective,state,listed,lease_until,destinations,learning,"
            "rx_packets,rx_bytes,tx_packets,tx_bytes,denied,anomalies) VALUES(?,?,?,?,?,?,1,?,?,0,?,?,?,?,?,?)",
            (i, mac, name, "iot_zone", "iot_zone", state, now + 1800 if i % 20 else now - 5, 12 if i % 3 else None,
             i * 1001, i * 1000123, i * 999, i * 777123, i % 7, i % 5))
        db.execute("INSERT INTO live.binding VALUES(?,?,?,NULL)",
                   (f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", i, "static" if i % 2 else "dhcp"))
        db.execute("INSERT INTO live.certificate VALUES(?,?,'device',?)", (f"d{i:x}", name, now + 86400 * (i % 90 - 1)))
        for kind in KINDS[:i % 4]:
            db.execute("INSERT INTO live.now_anomaly VALUES(?,?,?)", (i, kind, i))
        if i % 100 == 3:
            db.execute("INSERT INTO main.episode(device,kind,first,last,count,acknowledged) VALUES(?,?,?,?,?,?)",
                       (i, "scan", now - 90, now - 5, 17, None if i % 200 == 3 else now))
    for i, name in enumerate(HOSTILE[:n], 1):
        value = "CAST(X'" + name.hex() + "' AS TEXT)" if isinstance(name, bytes) else "?"
        db.execute(f"UPDATE live.now SET name = {value} WHERE id = {i}", () if isinstance(name, bytes) else (name,))


def rest(db, n, now):
    """What there is of everything else; an unknown device, a renewed certificate, an episode that is over."""
    meta = {"sampled": now - 4, "boot": "b", "generation": 7, "mode": "enforce", "in_force": 1, "awaiting": 0, "lockdown": 1,
            "applied_at": now - 3600, "module": "0.1.0", "denied": 4242, "rx_packets": 1, "anomalies": 3}
    db.executemany("INSERT INTO live.meta VALUES(?,?)", meta.items())
    db.execute("INSERT INTO live.now(id,mac,name,segment,effective,state,listed) VALUES(?,'06:00:00:00:00:01','','','',"
               "'onboarding',0)", (n + 1,))
    db.execute("INSERT INTO main.episode(device,kind,first,last,count) VALUES(?,?,?,?,?)",
               (n + 1, "unknown_device", now - 60, now - 1, 3))
    db.execute("INSERT INTO main.episode(device,kind,first,last,count) VALUES(1,'rate',?,?,5)", (now - 7200, now - 3600))
    db.executemany("INSERT INTO live.total_anomaly VALUES(?,?)", [("scan", 17), ("unknown_device", 3)])
    db.executemany("INSERT INTO live.segment VALUES(?,?,?,?,?,?)",
                   [(0, "gateway", 0, 10, 1000, 0), (5, "iot_zone", n, 123456, 99999999, 17)])
    db.executemany("INSERT INTO live.rule VALUES(?,?,?,?,0,0,?)",
                   [(1, "iot_zone", "wan", "tcp/8883, tcp/443", now - 30), (2, "plant", "iot_zone", "tcp/502", None)])
    db.executemany("INSERT INTO live.interface VALUES(?,?,?,?,?)",
                   [("lan0", 1, 1, "port", None), ("lan1", 0, 0, "port", "it is not there"), ("wan0", 1, 1, "uplink", None)])
    db.executemany("INSERT INTO live.certificate VALUES(?,?,?,?)", [
        ("a", "Cordon root", "root", now + 900 * 86400), ("b", "Cordon issuing", "issuing", now + 400 * 86400),
        ("c", "gateway.example", "server", now - 5), ("d", "gateway.example", "server", now + 20 * 86400)])
    db.execute("INSERT INTO live.rollout VALUES(1,'acme-t1','1.4.2','running',10,5,3,1,?)", (now - 600,))


def main():
    directory, live, n, now = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    db = sqlite3.connect(directory + "/history.db")
    db.execute("ATTACH ? AS live", (live + "/live.db",))
    devices(db, n, now)
    rest(db, n, now)
    db.commit()


main()
