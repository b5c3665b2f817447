#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""receiver.py PORT FILE: people, as Alertmanager sees them: a line in FILE for each alert that they are told of.

STATUS ALERTNAME DEVICE KIND, with - for what there is not.
"""
import http.server
import json
import sys


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open(sys.argv[2], "a", encoding="utf-8") as file:
            for alert in told["alerts"]:
                labels = alert["labels"]
                print(alert["status"], labels["alertname"], labels.get("device", "-"), labels.get("kind", "-"), file=file)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
