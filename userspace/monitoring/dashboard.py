#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""dashboard.py NAMES SOURCE: a dashboard of SOURCE for Grafana, as JSON on standard output.

NAMES is what `make build/metrics.names` writes; a source that names a metric or a label that is not there is refused.
"""
import json
import re
import sys

import yaml

import names

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
KEYS = {"title", "type", "width", "expr", "of", "unit", "stack", "columns", "states", "alarm", "help"}
TYPES = {"stat": "stat", "timeseries": "timeseries", "table": "table", "bars": "bargauge"}


class Refused(Exception):
    pass


def check(known, source):
    for row in source["rows"]:
        if sum(p["width"] for p in row["panels"]) % 24:
            raise Refused(f"row '{row['title']}': panels do not fill lines of 24 columns")
        for panel in row["panels"]:
            where = f"panel '{panel['title']}'"
            if unknown := set(panel) - KEYS:
                raise Refused(f"{where}: unknown key {sorted(unknown)[0]}")
            used = re.findall(r"\bcordon_[a-z0-9_]+", panel["expr"])
            labels = set().union(*(known.get(name, set()) for name in used))
            for label in [*panel.get("columns", []), *([panel["of"]] if "of" in panel else [])]:
                if label not in labels:
                    raise Refused(f"{where}: none of its metrics has a label {label}")
            for fault in names.faults(known, panel["expr"]):
                raise Refused(f"{where}: {fault}")
    for variable in source["variables"]:
        if variable["metric"] not in known or variable["label"] not in known[variable["metric"]] | names.ANYWHERE:
            raise Refused(f"variable {variable['name']}: no such metric, or no such label of it")


def target(panel):
    return {"refId": "A", "datasource": DATASOURCE, "expr": panel["expr"],
            "legendFormat": "{{%s}}" % panel["of"] if "of" in panel else panel["title"],
            "instant": panel["type"] != "timeseries", "range": panel["type"] == "timeseries",
            "format": "table" if panel["type"] == "table" else "time_series"}


def defaults(panel):
    out = {"unit": panel.get("unit", "short"), "custom": {}, "mappings": [],
           "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": None}]}}
    if "alarm" in panel:
        out["thresholds"]["steps"].append({"color": "red", "value": panel["alarm"]})
    if "states" in panel:
        out["mappings"] = [{"type": "value", "options": {str(k): {"text": v} for k, v in panel["states"].items()}}]
    if panel["type"] == "timeseries":
        out["custom"] = {"fillOpacity": 10, "showPoints": "never",
                         "stacking": {"mode": "normal" if panel.get("stack") else "none"}}
    return out


def options(panel):
    if panel["type"] == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel["type"] == "table":
        return {"showHeader": True}
    return {"reduceOptions": {"calcs": ["lastNotNull"]},
            **({"orientation": "horizontal"} if panel["type"] == "bars" else {"colorMode": "value"})}


def make_panel(number, panel, x, y, height):
    out = {"id": number, "title": panel["title"], "type": TYPES[panel["type"]], "datasource": DATASOURCE,
           "gridPos": {"x": x, "y": y, "w": panel["width"], "h": height}, "targets": [target(panel)],
           "fieldConfig": {"defaults": defaults(panel), "overrides": []}, "options": options(panel)}
    if "help" in panel:
        out["description"] = panel["help"]
    if panel["type"] == "table":
        shown = [*panel["columns"], "Value"]
        out["transformations"] = [{"id": "filterFieldsByName", "options": {"include": {"names": shown}}},
                                  {"id": "organize", "options": {"indexByName": {n: i for i, n in enumerate(shown)}}}]
    return out


def panels(source):
    number, y = 0, 0
    for row in source["rows"]:
        number += 1
        yield {"id": number, "title": row["title"], "type": "row", "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}}
        y, x = y + 1, 0
        for panel in row["panels"]:
            height = 4 if panel["type"] == "stat" else 8
            number += 1
            yield make_panel(number, panel, x, y, height)
            x += panel["width"]
            if x == 24:
                x, y = 0, y + height


def variable(v):
    query = f"label_values({v['metric']}, {v['label']})"
    return {"name": v["name"], "type": "query", "datasource": DATASOURCE, "definition": query, "refresh": 2, "sort": 1,
            "query": {"query": query, "refId": v["name"]}, "includeAll": v.get("all", False), "multi": v.get("all", False),
            **({"current": {"text": "All", "value": "$__all"}} if v.get("all") else {})}


def dashboard(source):
    return {"title": source["title"], "uid": source["uid"], "tags": ["cordon"], "schemaVersion": 37, "version": 1,
            "editable": True, "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "timezone": "",
            "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
                                    *map(variable, source["variables"])]},
            "annotations": {"list": [
                {"name": "Policy applied", "datasource": DATASOURCE, "enable": True, "iconColor": "blue",
                 "expr": 'changes(cordon_policy_generation{instance="$instance"}[1m]) > 0'}]},
            "panels": list(panels(source))}


def main():
    known = names.read(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        source = yaml.safe_load(file)
    try:
        check(known, source)
    except Refused as why:
        print(f"dashboard: {sys.argv[2]}: {why}", file=sys.stderr)
        return 1
    text = json.dumps(dashboard(source), indent=1, ensure_ascii=False)
    for fault in names.faults(known, text.replace('\\"', '"')):
        print(f"dashboard: {fault}", file=sys.stderr)
        return 1
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
